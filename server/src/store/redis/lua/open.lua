-- Which logins are open, from where, and which gives way when there are too many. All of it is in one slot, with
--   open:runs_out   login -> when it runs out          open:addresses  login -> address
--   open:count      address -> how many                open:crowd      addresses that have something to give way
--   open:at:ADDRESS the unscanned ones of an address -> when they were issued
--   open:due        login -> when its running out must be written down
local at = KEYS[1]
local runs_out, addresses, count = at .. 'runs_out', at .. 'addresses', at .. 'count'
local crowd, due = at .. 'crowd', at .. 'due'

local function settle(address, by)
    local open = redis.call('HINCRBY', count, address, by)
    if redis.call('EXISTS', at .. 'at:' .. address) == 1 then
        redis.call('ZADD', crowd, open, address)
    else
        redis.call('ZREM', crowd, address)
        if open <= 0 then
            redis.call('HDEL', count, address)
        end
    end
end

local function remove(login)
    if redis.call('ZREM', runs_out, login) == 1 then
        local address = redis.call('HGET', addresses, login)
        redis.call('HDEL', addresses, login)
        redis.call('ZREM', at .. 'at:' .. address, login)
        settle(address, -1)
    end
end

local function add(login, address, until_, unscanned_since)
    redis.call('ZADD', runs_out, until_, login)
    redis.call('HSET', addresses, login, address)
    if unscanned_since then
        redis.call('ZADD', at .. 'at:' .. address, unscanned_since, login)
    end
    settle(address, 1)
end
