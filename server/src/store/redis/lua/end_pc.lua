-- Ends a PC session of an account.
-- KEYS: the session, the outbox. ARGV: the partition, the account, the write's own id, what is put into the outbox.
-- Answers the session's record if this call ended it.
local pc = redis.call('HMGET', KEYS[1], 'record', 'access', 'refresh', 'ended')
if pc[4] == ARGV[3] then
    return 1 -- The same call again, whose answer was lost.
end
if not pc[1] or cjson.decode(pc[1]).account ~= ARGV[2] then
    return 0
end
redis.call('DEL', KEYS[1], ARGV[1] .. 'access:' .. pc[2], ARGV[1] .. 'refresh:' .. pc[3])
redis.call('HSET', KEYS[1], 'ended', ARGV[3])
redis.call('PEXPIRE', KEYS[1], 60000)
if ARGV[4] ~= '' then
    redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
end
return 1
