-- Tells an account's owner something: one notice for each kind and subject, counted. The oldest go first.
-- `notice`: account, about (kind and subject), record, once (whether it happens once only), write, kept (how many).
local function tell(at, notice)
    local account = at .. 'account:' .. notice.account
    if redis.call('EXISTS', account) == 0 then
        return
    end
    local order, rows = at .. 'notices:' .. notice.account, at .. 'notice:' .. notice.account
    local about = notice.about
    if redis.call('HEXISTS', rows, about) == 1 then
        -- What comes again, because an answer was lost or by two who empty one outbox, is the same thing, and counts
        -- once: the last few writes are remembered.
        local writes = redis.call('HGET', rows, about .. ':write') or ''
        if not notice.once and not string.find(writes, notice.write, 1, true) then
            redis.call('HINCRBY', rows, about .. ':count', 1)
            redis.call('HSET', rows, about .. ':write', string.sub(notice.write .. writes, 1, 8 * #notice.write))
        end
        return
    end
    redis.call('ZADD', order, redis.call('HINCRBY', account, 'notices', 1), about)
    redis.call('HSET', rows, about, notice.record, about .. ':count', 1, about .. ':write', notice.write)
    for _ = notice.kept + 1, redis.call('ZCARD', order) do
        local oldest = redis.call('ZPOPMIN', order)[1]
        redis.call('HDEL', rows, oldest, oldest .. ':count', oldest .. ':write')
    end
end

-- Notes that a PC has logged in to an account, unless it was forgotten since. The least recently seen ones go first.
local function meet(at, account, met)
    local forgot_all = redis.call('HGET', at .. 'account:' .. account, 'forgot')
    local forgot_this = redis.call('ZSCORE', at .. 'forgot:' .. account, met.key)
    local forgotten_at = math.max(tonumber(forgot_all or 0), tonumber(forgot_this or 0))
    if met.seen > forgotten_at and redis.call('EXISTS', at .. 'account:' .. account) == 1 then
        local known = at .. 'known:' .. account
        redis.call('ZADD', known, 'GT', met.seen, met.key)
        redis.call('ZREMRANGEBYRANK', known, 0, -1 - met.kept)
    end
end
