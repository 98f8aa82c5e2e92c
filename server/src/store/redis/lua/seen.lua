-- Notes that a session was used. One that has ended stays so.
-- KEYS: the session as a PC's, and as a phone's. ARGV: when, how long a phone that is seen then is kept, at most.
-- Answers a PC's record, for its key.
local function later(session)
    local seen = tonumber(redis.call('HGET', session, 'seen'))
    if seen and seen < tonumber(ARGV[1]) then
        redis.call('HSET', session, 'seen', ARGV[1])
    end
    return seen
end
if later(KEYS[1]) then
    redis.call('HSET', KEYS[1], 'used', '1')
    return redis.call('HGET', KEYS[1], 'record')
end
if later(KEYS[2]) then
    redis.call('PEXPIRE', KEYS[2], ARGV[2], 'GT')
    redis.call('PEXPIRE', ARGV[3] .. 'token:' .. redis.call('HGET', KEYS[2], 'token'), ARGV[2], 'GT')
end
return false
