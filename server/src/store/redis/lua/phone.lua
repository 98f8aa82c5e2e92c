-- Finds a phone session of an enabled account; and, where there is one, notes what begins with its consent.
-- KEYS: the session, or its token's index.
-- ARGV: the partition, the session's id, and perhaps: `login` or `pc`, its id, the time, until when it matters.
-- Answers the session's record, when it was seen, its generation, and the account's name.
local at, id = ARGV[1], ARGV[2]
if id == '' then
    id = redis.call('GET', KEYS[1])
    if not id then
        return false
    end
end
local phone = redis.call('HMGET', at .. 'phone:' .. id, 'record', 'seen', 'generation', 'account')
if not phone[1] then
    return false
end
local account = redis.call('HMGET', at .. 'account:' .. phone[4], 'username', 'enabled')
if account[2] ~= '1' then
    return false
end
local what = ARGV[3]
if what then
    local list, member = at .. 'unfinished:' .. id, ARGV[4]
    if what == 'pc' then
        list, member = at .. 'pcs:' .. phone[4], ARGV[4] .. ':' .. id
    end
    redis.call('ZREMRANGEBYSCORE', list, '-inf', ARGV[5])
    redis.call('ZADD', list, ARGV[6], member)
    redis.call('PEXPIRE', list, ARGV[6] - ARGV[5] + 86400000)
end
return { phone[1], phone[2], phone[3], account[1] }
