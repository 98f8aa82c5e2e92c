-- Lists an account's phones, and the PCs that they let in.
-- KEYS: the account, its phones, its PCs. ARGV: the partition.
local phones = {}
if redis.call('HGET', KEYS[1], 'enabled') ~= '1' then
    return { phones, phones }
end
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    local phone = redis.call('HMGET', ARGV[1] .. 'phone:' .. id, 'record', 'seen', 'generation')
    if phone[1] then
        phones[#phones + 1] = phone
    else
        redis.call('SREM', KEYS[2], id)
    end
end
return { phones, redis.call('ZRANGE', KEYS[3], 0, -1) }
