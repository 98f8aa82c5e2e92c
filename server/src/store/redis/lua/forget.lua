-- Forgets a PC that an account knows, also for what is still on its way.
-- KEYS: the known ones, the forgotten ones. ARGV: the PC's key, the time, how long to remember that it was forgotten.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], 'GT', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2] - ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
