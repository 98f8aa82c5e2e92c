-- Finds a login by one of its codes.
-- KEYS: the code's index. ARGV: the partition.
local id = redis.call('GET', KEYS[1])
return id and redis.call('HGET', ARGV[1] .. 'login:' .. id, 'record')
