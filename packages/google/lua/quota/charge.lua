-- Charges units for calls that are about to be made, or returns how long to wait.
--   KEYS 4-9  user log, user state, project log, project state, day, the user's calls in flight
--   ARGV 6    units of one call
--   ARGV 7    how many calls
--   ARGV 8    the user's limit, in units a minute
--   ARGV 9    the project's limit, in units a minute
--   ARGV 10   the lane: 1 live, 2 onboarding, 3 bulk
--   ARGV 11   units of the day from which on this lane is refused; 0: no bound
--   ARGV 12   a name for this call
--   ARGV 13   0 when one account is this user; else several are: 1 for an API with batches, whose
--             calls may be in flight unrecorded; 2 for another API
-- Reply: granted calls, epoch, wait in ms, scope ('user', 'closed' when the user's window is closed
-- and not full, 'project', 'day'), slot of the charge, now, 1 when the call is recorded as in
-- flight.

-- A run of one account has one batch in flight, which is below Google's cap on concurrent calls of
-- a user (about 25). When several accounts are one user, each call is recorded until it has
-- finished. Together they stay below the cap, which the customer's other apps share. SHARED_PARTS
-- bounds one request. UNNOTED_FOR covers the time in which calls may be in flight that were sent
-- before the first record. A record expires when no answer can arrive any more.
local SHARED_CAP, SHARED_PARTS = 20, 6
local UNNOTED_FOR, UNNOTED_ALLOWANCE = 3000, 4
local FLIGHT_TTL, FLIGHT_WAIT = 60000, 200

-- While live work is active, the lower lanes spread their use of the project's window evenly: in
-- each EVEN ms they get their share of a minute plus a surplus. The surplus is larger for newly
-- connected accounts. Spending a minute's units in its first ten seconds takes CPU and database
-- capacity from live calls (their p99 was ten times that of an idle fleet) and finishes nothing
-- earlier. For a small limit the interval is longer, because one second's share is too few calls to
-- divide evenly.
local EVEN_SMALL, EVEN_LARGE, EVEN_LARGE_FROM = 5000, 1000, 120000
local SURPLUS_ONBOARDING, SURPLUS_BULK = 1.25, 1.1
-- The latest end of the queue of bulk calls that were refused to spread the load; the bound is
-- needed because some callers do not come back. Onboarding calls are not queued: queued behind two
-- hundred bulk calls a first sync took half as long again.
local EVEN_LINE = 20000

local cost, items = tonumber(ARGV[6]), tonumber(ARGV[7])
local user_limit, project_limit = tonumber(ARGV[8]), tonumber(ARGV[9])
local lane, day_limit = tonumber(ARGV[10]), tonumber(ARGV[11])
local epoch, held = birth()
local function deny(wait, scope) return { 0, epoch, wait, scope, slot, now } end
if known ~= '' and known ~= epoch then return { -1, epoch } end
if held > now then return deny(held - now, 'project') end
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - KEEP)
  local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
  if last[2] then return deny(last[2] + KEEP - now, 'project') end
end

local user, project = open(KEYS[4], KEYS[5]), open(KEYS[6], KEYS[7])
user_limit, project_limit = paced(user, user_limit, cost), paced(project, project_limit, cost)
if lane == 1 then redis.call('HSET', project.state, 'live_at', num(now)) end
if lane == 2 then redis.call('HSET', project.state, 'onboarding_at', num(now)) end
-- Lower lanes leave the top of the project's window free, but only while higher lanes are active.
local lane_limit = project_limit
if lane > 1 and project.live_at + KEEP > now then lane_limit = math.floor(project_limit * 0.95) end
if lane > 2 and math.max(project.live_at, project.onboarding_at) + KEEP > now then
  lane_limit = math.floor(project_limit * 0.9)
end

local function refuse(wait, scope)
  save(user)
  save(project)
  return deny(wait, scope)
end
if user.closed > now or project.closed > now then
  return refuse(math.max(user.closed, project.closed) - now, user.closed > project.closed and 'closed' or 'project')
end
local day_left = items
if day_limit > 0 then day_left = math.floor((day_limit - day_used(KEYS[8])) / cost) end
if day_left < 1 then return refuse(-1, 'day') end

if ARGV[13] ~= '0' and ARGV[13] and not user.shared_at then
  user.shared_at = ARGV[13] == '1' and now or 0
  redis.call('HSET', user.state, 'shared_at', num(user.shared_at))
end
local shared, in_flight_left = user.shared_at, items
if shared then
  local in_flight, flights = 0, redis.call('HGETALL', KEYS[9])
  for i = 1, #flights, 2 do
    local at, parts = parse(flights[i + 1])
    if at + FLIGHT_TTL > now then in_flight = in_flight + parts else redis.call('HDEL', KEYS[9], flights[i]) end
  end
  -- Calls that were sent before the user was known to be shared are not recorded.
  if now < user.shared_at + UNNOTED_FOR then in_flight = in_flight + SHARED_CAP - UNNOTED_ALLOWANCE end
  in_flight_left = math.min(SHARED_PARTS, SHARED_CAP - in_flight)
  if in_flight_left < 1 then return refuse(FLIGHT_WAIT, 'user') end
end
local function free(b, limit) return math.floor((limit - b.sum) / cost) end
local even, EVEN = nil, project_limit >= EVEN_LARGE_FROM and EVEN_LARGE or EVEN_SMALL
if lane > 1 and project.live_at + KEEP > now then
  local surplus = lane == 3 and SURPLUS_BULK or SURPLUS_ONBOARDING
  even = { limit = math.max(cost, math.floor(project_limit * EVEN / 60000 * surplus)), sum = 0, recent = {} }
  for _, entry in ipairs(redis.call('LRANGE', project.log, -2 * EVEN / SLOT, -1)) do
    local at, units = parse(entry)
    if at + EVEN > now then
      even.sum = even.sum + units
      table.insert(even.recent, { at, units })
    end
  end
end
local granted = math.min(
  items,
  day_left,
  in_flight_left,
  free(user, user_limit),
  free(project, lane_limit),
  even and free(even, even.limit) or items
)
if granted < 1 then
  -- The wait lasts until the whole request fits. A caller that came back for the first free units
  -- would cut every later batch into small ones.
  local function wait_for(b, limit)
    local excess = b.sum + math.min(items, math.max(1, math.floor(limit / cost))) * cost - limit
    if excess <= 0 then return 0 end
    for _, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do
      local at, units = parse(entry)
      excess = excess - units
      if excess <= 0 then return at + KEEP - now end
    end
    return KEEP
  end
  local by_user, by_project = wait_for(user, user_limit), wait_for(project, lane_limit)
  -- Each refused bulk call gets a retry time of its own, one request's duration after the previous
  -- one. With equal times two hundred mailboxes would retry together, and nearly all of them would
  -- be refused again.
  local function wait_for_even()
    local asked = math.min(items, math.max(1, math.floor(even.limit / cost))) * cost
    local excess, first = even.sum + asked - even.limit, 0
    for _, entry in ipairs(even.recent) do
      if excess <= 0 then break end
      excess = excess - entry[2]
      first = entry[1] + EVEN - now
    end
    if lane == 2 then return first end
    local back_at = math.max(now + first, tonumber(redis.call('HGET', project.state, 'in_line_until') or 0))
    local line_end = math.min(back_at + asked * EVEN / even.limit, now + EVEN_LINE)
    redis.call('HSET', project.state, 'in_line_until', num(line_end))
    return back_at - now
  end
  if even and by_user <= by_project and free(even, even.limit) < 1 then
    by_project = math.max(by_project, wait_for_even())
  end
  -- A lost process may return with its next heartbeat, so the wait is at most 2 s.
  if project.reserved > 0 then by_project = math.min(by_project, 2000) end
  return refuse(math.max(by_user, by_project), by_user >= by_project and 'user' or 'project')
end
local units = granted * cost
local used = add(user, units)
used = math.max(used, add(project, units))
save(user)
save(project)
redis.call('HINCRBY', KEYS[8], 'total', units)
redis.call('HINCRBY', KEYS[8], reporter, units)
redis.call('EXPIRE', KEYS[8], 172800)
witness()
if shared then
  redis.call('HSET', KEYS[9], ARGV[12], num(now) .. ':' .. num(granted))
  redis.call('PEXPIRE', KEYS[9], FLIGHT_TTL)
end
return { granted, epoch, 0, '', used, now, shared and 1 or 0 }
