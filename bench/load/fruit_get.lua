-- GET /fruit for each name in turn, and for all: no server may profit from everybody asking the same.
local names = { "apples", "oranges", "bananas", "grapes", "pears" }
local requests, n = {}, 0

init = function()
    requests[0] = wrk.format("GET", "/fruit")
    for i, name in ipairs(names) do
        requests[i] = wrk.format("GET", "/fruit?name=" .. name)
    end
end

request = function()
    n = (n + 1) % (#names + 1)
    return requests[n]
end
