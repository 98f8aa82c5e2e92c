-- Changes a login, with all of its partition that must become true in the same breath: all of it, or nothing.
-- KEYS: the login, the outbox, the channel, the PC session (or the login again).
-- ARGV: the change, the login's record, the session's record, what is put into the outbox.
-- Answers `done` or `stale`.
local login, outbox, channel, pc = unpack(KEYS)
local change = cjson.decode(ARGV[1])

local was = redis.call('HMGET', login, 'revision', 'write')
if was[2] == change.write then
    return 'done' -- The same call again, whose answer was lost.
end
if was[1] ~= change.expected then
    return 'stale'
end
if change.deadline then
    -- Judged here and not by the caller, who may have waited long for its turn.
    local time = redis.call('TIME')
    if time[1] * 1000 + math.floor(time[2] / 1000) + change.ahead >= change.deadline then
        return 'stale'
    end
end
local session = change.session
if session and session.begins then
    if redis.call('EXISTS', pc) == 1 then
        return 'stale'
    end
elseif session then
    local now = redis.call('HMGET', pc, 'used', 'access', 'refresh')
    if now[1] ~= '0' then
        return 'stale' -- Used, or ended.
    end
    redis.call('DEL', change.at .. 'access:' .. now[2], change.at .. 'refresh:' .. now[3])
end

-- Nothing is refused from here on.
redis.call('HSET', login, 'revision', change.revision, 'write', change.write, 'record', ARGV[2])
redis.call('PEXPIRE', login, change.kept)
if change.confirm then
    redis.call('SET', change.confirm, change.id, 'PX', change.kept)
end
if session then
    if session.begins then
        redis.call('HSET', pc, 'record', ARGV[3], 'used', '0', 'seen', session.seen,
            'generation', session.generation)
    end
    redis.call('HSET', pc, 'access', session.access, 'access_until', session.access_until,
        'refresh', session.refresh, 'refresh_until', session.refresh_until)
    redis.call('PEXPIRE', pc, session.kept)
    redis.call('SET', change.at .. 'access:' .. session.access, session.id, 'PX', session.access_kept)
    redis.call('SET', change.at .. 'refresh:' .. session.refresh, session.id, 'PX', session.kept)
end
if ARGV[4] ~= '' then
    redis.call('HSET', outbox, change.write, ARGV[4])
end
redis.call('SPUBLISH', channel, 'L' .. change.id)
return 'done'
