-- Begins a phone session, if the account is enabled and its password is of the version that was checked.
-- KEYS: the account, the session, its token's index, the account's phones.
-- ARGV: the password's version, the session's id, its record, its token, the account, when, how long to keep it.
local account = redis.call('HMGET', KEYS[1], 'enabled', 'version')
if account[1] ~= '1' or account[2] ~= ARGV[1] then
    return 0
end
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('HSET', KEYS[2], 'record', ARGV[3], 'token', ARGV[4], 'account', ARGV[5], 'seen', ARGV[6],
        'generation', 0)
    redis.call('PEXPIRE', KEYS[2], ARGV[7])
    redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[7])
    redis.call('SADD', KEYS[4], ARGV[2])
end
return 1
