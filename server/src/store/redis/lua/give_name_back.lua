-- Frees a name, if it is this account's.
-- KEYS: the names. ARGV: the name, the account.
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
