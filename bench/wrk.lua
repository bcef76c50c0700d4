-- What wrk sends, and its figures as one line of JSON. The tokens come from the environment: a command line is everybody's.
if os.getenv("REQUEST") == "connect" then
    wrk.headers["Connection"] = "close"
end

local requests, sent = {}, 0

function init()
    for token in os.getenv("TOKENS"):gmatch("%S+") do
        wrk.headers["Authorization"] = "Bearer " .. token
        requests[#requests + 1] = wrk.format()
    end
end

function request()
    sent = sent + 1
    return requests[sent % #requests + 1]
end

function done(summary, latency)
    local stat = io.open("/proc/self/stat"):read("*a"):match("%) (.*)")
    local ticks, field = 0, 0
    for word in stat:gmatch("%S+") do
        field = field + 1
        -- utime and stime
        if field == 12 or field == 13 then
            ticks = ticks + tonumber(word)
        end
    end
    local errors = summary.errors
    io.write(
        string.format(
            '\nJSON {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d,"ticks":%d}\n',
            -- A refusal is quick, and no answer.
            summary.requests - errors.status,
            summary.duration,
            latency:percentile(50),
            latency:percentile(99),
            errors.connect + errors.read + errors.write + errors.status + errors.timeout,
            ticks
        )
    )
end
