-- What the syncs of one tenant have in common of Navan's limit, and how they share it (GCRA): time is cut into slots of 1 / rate, and
-- each request is given one, in the order in which they ask. All times are microseconds of this server's clock.
--
-- KEYS: the state, the channel on which pauses are told.
-- ARGV: slots wanted, slots given back, the version known of the estimate, the number known of the last pause, the rate and the
-- estimate that are to stand in place of that version ('' if none), the pause to begin ('' if none), and how much before its end
-- slots begin.
local SAVED = 1000000 -- unused slots of so long may still be given out
local IDLE = 10000000 -- nobody asked for so long: what was counted before says nothing of the limit
local LONGEST = 1200000000 -- nobody waits so long: the clock was set back
local LIFE = 86400000 -- for how many milliseconds it is remembered

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], 'rate', 'estimate', 'version', 'pause', 'until', 'free', 'granted', 'due', 'busy',
    'busy_granted')
local function number(field) return tonumber(stored[field]) or 0 end
local rate, estimate = tonumber(stored[1]), stored[2]
local version, pause, till, free, granted = number(3), number(4), number(5), number(6), number(7)
local due, busy, busy_granted = number(8), number(9), number(10)
local count, given_back = tonumber(ARGV[1]), tonumber(ARGV[2])
local known, wait = tonumber(ARGV[3]), tonumber(ARGV[7])

if free > now + LONGEST then free = now end
if till > now + LONGEST then till = now end

-- How many slots are over: those that are not yet may never be used.
local function over()
    if not rate then return granted end
    return granted - math.floor(math.max(0, free - now) * rate / 1000000)
end

local is_taken = false
if wait and tonumber(ARGV[4]) == pause then
    granted = over()
    pause = math.max(pause + 1, now)
    till = math.max(till, now + wait)
    free = till - tonumber(ARGV[8])
    is_taken = true
    redis.call('PUBLISH', KEYS[2], string.format('%.0f %.0f', pause, till - now))
elseif not wait and ARGV[6] ~= '' then
    is_taken = known == version
end
if is_taken and ARGV[6] ~= '' then
    rate, estimate, version, due = tonumber(ARGV[5]), ARGV[6], math.max(version + 1, now), over()
end

local start = free
if rate and count > 0 then
    local slot = 1000000 / rate
    if now - free > IDLE then busy, busy_granted = now, granted end
    granted = math.max(0, granted - given_back)
    start = math.floor(math.max(free - given_back * slot, now - math.max(0, SAVED - slot)) + 0.5)
    free = math.floor(start + count * slot + 0.5)
    granted = granted + count
end

local function text(value) return string.format('%.0f', value) end
if rate then
    redis.call('HSET', KEYS[1], 'rate', is_taken and ARGV[6] ~= '' and ARGV[5] or stored[1], 'estimate', estimate, 'version', text(version),
        'pause', text(pause), 'until', text(till), 'free', text(free), 'granted', text(granted), 'due', text(due), 'busy', text(busy),
        'busy_granted', text(busy_granted))
    redis.call('PEXPIRE', KEYS[1], LIFE)
end
return {text(now), rate and string.format('%.17g', rate) or false, text(start), text(free), text(granted), text(version), text(pause),
    text(till), text(due), text(busy), text(busy_granted), not is_taken and known ~= version and estimate or false}
