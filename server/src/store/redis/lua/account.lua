-- Changes an account and ends sessions of it, in one breath. A PC that a phone let in has ended when its phone has, or
-- when the phone's generation is a later one: whoever looks up a PC compares.
-- KEYS: the account, its phones, its PCs, its channel, where the outcome is remembered.
-- ARGV: the change, as JSON: at, account; `ends`: one of `one`, `others`, `all`, with `phone`; and perhaps
--       `password` and `version`; `enabled`; `removed`; `forgets` (the known PCs: when); `notice`.
-- Answers the ids of what has ended; nothing if the account is not there, or its password is of another version.
local account, phones, pcs, channel, outcome = unpack(KEYS)
local change = cjson.decode(ARGV[1])

local before = redis.call('GET', outcome)
if before then
    return cjson.decode(before) -- The same call again, whose answer was lost.
end
local version = redis.call('HGET', account, 'version')
if not version or (change.version and change.version ~= version) then
    return false
end

local ended, gone = {}, {}
local function is_kept(id)
    return change.ends == 'none' or (change.ends == 'one' and id ~= change.phone)
        or (change.ends == 'others' and id == change.phone)
end
for _, id in ipairs(redis.call('SMEMBERS', phones)) do
    if not is_kept(id) then
        local phone = change.at .. 'phone:' .. id
        local token = redis.call('HGET', phone, 'token')
        if token then
            redis.call('DEL', phone, change.at .. 'token:' .. token, change.at .. 'unfinished:' .. id)
            ended[#ended + 1] = id
        end
        redis.call('SREM', phones, id)
        gone[id] = true
    end
end
if change.ends == 'others' then
    local kept = change.at .. 'phone:' .. change.phone
    if redis.call('EXISTS', kept) == 1 then
        redis.call('HINCRBY', kept, 'generation', 1)
    end
end
for _, member in ipairs(redis.call('ZRANGE', pcs, 0, -1)) do
    local pc, phone = string.match(member, '(.*):(.*)')
    if gone[phone] or change.ends == 'others' or change.ends == 'all' then
        redis.call('ZREM', pcs, member)
        ended[#ended + 1] = pc
    end
end

if change.removed then
    redis.call('DEL', account, phones, pcs, change.at .. 'notices:' .. change.account,
        change.at .. 'notice:' .. change.account, change.at .. 'known:' .. change.account,
        change.at .. 'forgot:' .. change.account)
end
if change.password then
    redis.call('HSET', account, 'password', change.password)
    redis.call('HINCRBY', account, 'version', 1)
end
if change.enabled then
    redis.call('HSET', account, 'enabled', change.enabled)
end
if change.forgets then
    redis.call('DEL', change.at .. 'known:' .. change.account)
    redis.call('HSET', account, 'forgot', change.forgets)
end
if change.notice then
    tell(change.at, change.notice)
end
redis.call('SET', outcome, cjson.encode(ended), 'PX', 60000)
redis.call('SPUBLISH', channel, 'A' .. change.account)
return ended
