-- Writes something that does not matter, so that there is something to wait for.
-- KEYS: where.
redis.call('SET', KEYS[1], '', 'PX', 1000)
return 1
