"""The compiled search: ruin and recreate on (stop, day choice, run), under simulated annealing.

One step takes some stops out of a few neighbouring runs and puts them back where that is cheapest,
each on the days of whichever of its choices costs least, runs and places within runs considered
together; a step that makes the plan dearer is kept the less likely the colder it is. Taking out
follows the string removals of Christiaens and Vanden Berghe, "Slack induction by string removals
for vehicle routing problems", Transportation Science 54(2), 2020; a stop that is taken out loses
the visits of all its days. Here they were extended to day choices, windows, lunch, shifts, locks
and prices.

Everything in here is arrays of numbers, for numba; ``planner`` speaks the words of the field.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Christiaens and Vanden Berghe's parameters: the longest string, how often a string is split, by
# how much the kept middle grows, and how often a place in a run is overlooked on purpose.
LONGEST_STRING = 10
SPLIT_SHARE = 0.5
SPLIT_GROWS = 0.01
BLINK = 0.01
# At most this many stops that have no place yet are tried in one step.
MOST_ABSENT_TRIED = 12
NO_ROUTE = -1

_compiled: Any = njit(cache=True, nogil=True)
# A call hands over every array of the tuples, a few kilobytes: four fifths of the time went there.
_inlined: Any = njit(cache=True, nogil=True, forceinline=True)


class Given(NamedTuple):
    """What does not change during a search; rows of runs are (van, day) pairs."""

    metres: Floats  # [row, row]
    metres_into: Floats  # transposed: [row, from]
    minutes: Floats
    service: Floats
    load: Floats
    run_day: Ints
    run_depot: Ints
    run_leaves: Floats
    run_returns: Floats
    run_shift: Floats
    run_capacity: Floats
    run_lunch: Floats  # [run, (earliest, latest, minutes)]
    run_twin: Ints  # a run before it that is just alike, or -1
    day_first: Ints
    day_runs: Ints
    may: NDArray[np.uint8]  # [stop, run]
    choice_first: Ints
    choice_price: Floats
    choice_day_first: Ints
    choice_days: Ints
    window_first: Ints  # [stop * days + day]
    window_opens: Floats
    window_closes: Floats
    near: Ints  # [stop, other stops from near to far]
    absent_price: Floats
    absent_hard: Floats
    partner_first: Ints
    partner: Ints
    partner_shares: NDArray[np.uint8]  # 1 share their days, 0 never share one
    balance_per_minute: float
    timed: bool  # whether windows, lunches or late returns must be simulated


class State(NamedTuple):
    """A plan as the search changes it, with room to take a step back."""

    order: Ints  # [run, place in the run] -> stop
    edge: Floats  # [run, place] -> metres that lead to it; behind the last one, those back
    length: Ints
    work: Floats  # driving and service minutes of a run
    filled: Floats
    choice: Ints  # of a stop, -1 where it is absent
    where: Ints  # [stop, day] -> run, or -1
    # The same before the present step, of the runs that it touched.
    old_order: Ints
    old_edge: Floats
    old_length: Ints
    old_work: Floats
    old_filled: Floats
    touched_at: NDArray[np.int64]
    touched: Ints
    ruined_at: NDArray[np.int64]
    # Scratch.
    out: Ints
    out_choice: Ints
    out_key: Floats
    is_out: NDArray[np.uint8]
    absent: Ints
    absent_at: Ints
    day_price: Floats
    day_run: Ints
    day_place: Ints
    day_known: NDArray[np.int64]
    run_target: Floats
    # What a stop would cost in a run, known while the run is as it was.
    version: NDArray[np.int64]
    old_version: NDArray[np.int64]
    known_version: NDArray[np.int64]  # [stop, run]
    known_price: Floats
    known_place: Ints
    arrivals: Floats
    lunch_taken: Floats
    random: NDArray[np.uint64]
    sums: Floats  # price, hard price of the absent stops
    # Of steps, touched runs, day prices; number of absent stops; of ruins; of versions of runs.
    ticks: NDArray[np.int64]


def _without_count(typing: Any, array: Any) -> Any:
    """The same array without its reference count.

    numba counts references at each call, with atomic instructions that two searches contend for:
    they took nine tenths of the time. The tuples hold the arrays alive meanwhile.
    """

    nothing: Any = cgutils.get_null_value

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.meminfo = nothing(view.meminfo.type)
        return view._getvalue()

    return array(array), code


_borrowed: Any = intrinsic(_without_count)


@_compiled
def _lent_given(g: Given) -> Given:
    return Given(
        _borrowed(g.metres),
        _borrowed(g.metres_into),
        _borrowed(g.minutes),
        _borrowed(g.service),
        _borrowed(g.load),
        _borrowed(g.run_day),
        _borrowed(g.run_depot),
        _borrowed(g.run_leaves),
        _borrowed(g.run_returns),
        _borrowed(g.run_shift),
        _borrowed(g.run_capacity),
        _borrowed(g.run_lunch),
        _borrowed(g.run_twin),
        _borrowed(g.day_first),
        _borrowed(g.day_runs),
        _borrowed(g.may),
        _borrowed(g.choice_first),
        _borrowed(g.choice_price),
        _borrowed(g.choice_day_first),
        _borrowed(g.choice_days),
        _borrowed(g.window_first),
        _borrowed(g.window_opens),
        _borrowed(g.window_closes),
        _borrowed(g.near),
        _borrowed(g.absent_price),
        _borrowed(g.absent_hard),
        _borrowed(g.partner_first),
        _borrowed(g.partner),
        _borrowed(g.partner_shares),
        g.balance_per_minute,
        g.timed,
    )


@_compiled
def _lent_state(s: State) -> State:
    return State(
        _borrowed(s.order),
        _borrowed(s.edge),
        _borrowed(s.length),
        _borrowed(s.work),
        _borrowed(s.filled),
        _borrowed(s.choice),
        _borrowed(s.where),
        _borrowed(s.old_order),
        _borrowed(s.old_edge),
        _borrowed(s.old_length),
        _borrowed(s.old_work),
        _borrowed(s.old_filled),
        _borrowed(s.touched_at),
        _borrowed(s.touched),
        _borrowed(s.ruined_at),
        _borrowed(s.out),
        _borrowed(s.out_choice),
        _borrowed(s.out_key),
        _borrowed(s.is_out),
        _borrowed(s.absent),
        _borrowed(s.absent_at),
        _borrowed(s.day_price),
        _borrowed(s.day_run),
        _borrowed(s.day_place),
        _borrowed(s.day_known),
        _borrowed(s.run_target),
        _borrowed(s.version),
        _borrowed(s.old_version),
        _borrowed(s.known_version),
        _borrowed(s.known_price),
        _borrowed(s.known_place),
        _borrowed(s.arrivals),
        _borrowed(s.lunch_taken),
        _borrowed(s.random),
        _borrowed(s.sums),
        _borrowed(s.ticks),
    )


@_inlined
def _uniform(random: NDArray[np.uint64]) -> float:
    """The next number of [0, 1): Marsaglia's xorshift, seeded by the planner."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return float((x >> np.uint64(11)) * (1.0 / 9007199254740992.0))


@_inlined
def _below(random: NDArray[np.uint64], limit: int) -> int:
    return int(_uniform(random) * limit)


@_compiled
def run_times(
    minutes: Floats,
    service: Floats,
    order: Ints,
    run: int,
    length: int,
    extra: int,
    place: int,
    day: int,
    days: int,
    depot: int,
    leaves_earliest: float,
    lunch_from: float,
    lunch_to: float,
    lunch_minutes: float,
    window_first: Ints,
    window_opens: Floats,
    window_closes: Floats,
    arrivals: Floats,
    lunch_taken: Floats,
) -> tuple[bool, float, float]:
    """Whether a run holds its windows and lunch, when it leaves and when it returns.

    The stop ``extra`` is thought to stand at ``place`` (-1: the run as it is). Times follow
    ``schedules.timing.time_day``: the van leaves just in time for its first stop. ``arrivals`` and
    ``lunch_taken`` (beginning, number of the visit before which; -1 none) are written.
    """
    total = length + (1 if place >= 0 else 0)
    clock = leaves_earliest
    leaves = leaves_earliest
    before = depot
    eaten = lunch_minutes <= 0.0
    lunch_taken[0] = -1.0
    lunch_taken[1] = -1.0
    for k in range(total):
        if place < 0 or k < place:
            stop = order[run, k]
        elif k == place:
            stop = extra
        else:
            stop = order[run, k - 1]
        drive = minutes[before, stop]
        first = window_first[stop * days + day]
        last = window_first[stop * days + day + 1]
        if k == 0:
            # Leave just in time for the first window that can be held.
            ready = clock + drive
            arrival = -1.0
            if first == last:
                arrival = ready
            for w in range(first, last):
                start = max(ready, window_opens[w])
                if start + service[stop] <= window_closes[w] + 1e-9:
                    arrival = start
                    break
            if arrival < 0.0:
                return False, leaves, clock
            leaves = arrival - drive
            clock = leaves
        ready = clock + drive
        for attempt in range(2):
            arrival = -1.0
            if first == last:
                arrival = ready
            for w in range(first, last):
                start = max(ready, window_opens[w])
                if start + service[stop] <= window_closes[w] + 1e-9:
                    arrival = start
                    break
            if eaten or attempt == 1:
                break
            late = arrival < 0.0 or arrival + service[stop] > lunch_to
            if clock <= lunch_to and (clock >= lunch_from or late):
                lunch_taken[0] = max(clock, lunch_from)
                lunch_taken[1] = k
                clock = lunch_taken[0] + lunch_minutes
                ready = clock + drive
                eaten = True
            else:
                break
        if arrival < 0.0:
            return False, leaves, clock
        arrivals[k] = arrival
        clock = arrival + service[stop]
        before = stop
    if not eaten and clock >= lunch_from and clock <= lunch_to:
        lunch_taken[0] = clock
        lunch_taken[1] = total
        clock += lunch_minutes
        eaten = True
    returns = clock + minutes[before, depot]
    if not eaten and leaves <= lunch_from and returns > lunch_to:
        return False, leaves, returns
    return True, leaves, returns


@_inlined
def _run_holds(g: Given, s: State, run: int, extra: int, place: int) -> bool:
    """Whether a run, with ``extra`` at ``place``, holds windows, lunch, shift and return."""
    if s.length[run] == 0 and place < 0:
        return True
    holds, leaves, returns = run_times(
        g.minutes,
        g.service,
        s.order,
        run,
        s.length[run],
        extra,
        place,
        g.run_day[run],
        s.where.shape[1],
        g.run_depot[run],
        g.run_leaves[run],
        g.run_lunch[run, 0],
        g.run_lunch[run, 1],
        g.run_lunch[run, 2],
        g.window_first,
        g.window_opens,
        g.window_closes,
        s.arrivals,
        s.lunch_taken,
    )
    return bool(
        holds
        and returns <= g.run_returns[run] + 1e-9
        and returns - leaves <= g.run_shift[run] + 1e-9
    )


@_inlined
def _unevenness(g: Given, s: State, run: int, work: float) -> float:
    if work <= 0.0:
        return 0.0
    return float(g.balance_per_minute * abs(work - s.run_target[run]))


@_inlined
def _touch(s: State, run: int) -> None:
    """Keep a run as it was before this step."""
    s.ticks[5] += 1
    if s.touched_at[run] == s.ticks[0]:
        s.version[run] = s.ticks[5]
        return
    s.touched_at[run] = s.ticks[0]
    s.old_version[run] = s.version[run]
    s.version[run] = s.ticks[5]
    s.touched[s.ticks[1]] = run
    s.ticks[1] += 1
    n = s.length[run]
    for k in range(n):
        s.old_order[run, k] = s.order[run, k]
        s.old_edge[run, k] = s.edge[run, k]
    s.old_edge[run, n] = s.edge[run, n]
    s.old_length[run] = n
    s.old_work[run] = s.work[run]
    s.old_filled[run] = s.filled[run]


@_inlined
def _take_from(g: Given, s: State, stop: int, day: int) -> None:
    """Take a stop's visit of a day out of its run."""
    run = s.where[stop, day]
    _touch(s, run)
    n = s.length[run]
    k = 0
    while s.order[run, k] != stop:
        k += 1
    depot = g.run_depot[run]
    before = s.order[run, k - 1] if k > 0 else depot
    after = s.order[run, k + 1] if k + 1 < n else depot
    joined = g.metres[before, after] if n > 1 else 0.0
    s.sums[0] += joined - s.edge[run, k] - s.edge[run, k + 1]
    work = s.work[run] - g.service[stop] - g.minutes[before, stop] - g.minutes[stop, after]
    work = work + g.minutes[before, after] if n > 1 else 0.0
    if g.balance_per_minute > 0.0:
        s.sums[0] += _unevenness(g, s, run, work) - _unevenness(g, s, run, s.work[run])
    s.work[run] = work
    s.filled[run] -= g.load[stop]
    for j in range(k, n - 1):
        s.order[run, j] = s.order[run, j + 1]
    for j in range(k, n):
        s.edge[run, j] = s.edge[run, j + 1]
    s.edge[run, k] = joined
    s.length[run] = n - 1
    s.where[stop, day] = NO_ROUTE


@_inlined
def _put_into(g: Given, s: State, stop: int, day: int, run: int, place: int) -> None:
    """Put a stop's visit of a day into a run."""
    _touch(s, run)
    n = s.length[run]
    depot = g.run_depot[run]
    before = s.order[run, place - 1] if place > 0 else depot
    after = s.order[run, place] if place < n else depot
    for j in range(n, place, -1):
        s.order[run, j] = s.order[run, j - 1]
    for j in range(n + 1, place, -1):
        s.edge[run, j] = s.edge[run, j - 1]
    s.order[run, place] = stop
    s.sums[0] += g.metres[before, stop] + g.metres[stop, after]
    work = s.work[run] + g.service[stop] + g.minutes[before, stop] + g.minutes[stop, after]
    if n > 0:
        s.sums[0] -= g.metres[before, after]
        work -= g.minutes[before, after]
    if g.balance_per_minute > 0.0:
        s.sums[0] += _unevenness(g, s, run, work) - _unevenness(g, s, run, s.work[run])
    s.edge[run, place] = g.metres[before, stop]
    s.edge[run, place + 1] = g.metres[stop, after]
    s.work[run] = work
    s.filled[run] += g.load[stop]
    s.length[run] = n + 1
    s.where[stop, day] = run


@_inlined
def _find_place(g: Given, s: State, stop: int, day: int) -> None:
    """The cheapest place for a visit on a day, into ``day_price``, ``day_run``, ``day_place``.

    What is known of a run stays known while the run is as it was; now and then its cheapest place
    is overlooked on purpose.
    """
    best = np.inf
    best_run = NO_ROUTE
    best_place = 0
    need = g.service[stop]
    load = g.load[stop]
    room = s.order.shape[1]
    random = s.random
    for at in range(g.day_first[day], g.day_first[day + 1]):
        run = g.day_runs[at]
        n = s.length[run]
        if s.filled[run] + load > g.run_capacity[run] + 1e-9 or n >= room or not g.may[stop, run]:
            continue
        if n == 0 and g.run_twin[run] >= 0 and s.length[g.run_twin[run]] == 0:
            continue
        known = s.known_version[stop, run] == s.version[run]
        if known and s.known_price[stop, run] >= best:
            continue
        overlooked = -1
        if _uniform(random) < BLINK:
            overlooked = s.known_place[stop, run] if known else _below(random, n + 1)
        cheapest = s.known_price[stop, run]
        place = s.known_place[stop, run]
        if not known or overlooked >= 0:
            cheapest = np.inf
            place = 0
            depot = g.run_depot[run]
            most_work = min(g.run_shift[run], g.run_returns[run] - g.run_leaves[run])
            spare = most_work - s.work[run] - need + 1e-9
            limited = most_work < 1e17
            before = depot
            for k in range(n + 1 if spare >= 0.0 else 0):
                after = s.order[run, k] if k < n else depot
                price = g.metres_into[stop, before] + g.metres[stop, after] - s.edge[run, k]
                if price < cheapest and k != overlooked:
                    fits = True
                    longer = 0.0
                    if limited or g.balance_per_minute > 0.0:
                        longer = g.minutes[before, stop] + g.minutes[stop, after]
                        if n > 0:
                            longer -= g.minutes[before, after]
                        fits = longer <= spare
                    if fits and g.balance_per_minute > 0.0:
                        price += _unevenness(g, s, run, s.work[run] + longer + need)
                        price -= _unevenness(g, s, run, s.work[run])
                        fits = price < cheapest
                    if fits and g.timed:
                        fits = _run_holds(g, s, run, stop, k)
                    if fits:
                        cheapest = price
                        place = k
                before = after
            if overlooked < 0:
                s.known_version[stop, run] = s.version[run]
                s.known_price[stop, run] = cheapest
                s.known_place[stop, run] = place
        if cheapest < best:
            best = cheapest
            best_run = run
            best_place = place
    s.day_price[day] = best
    s.day_run[day] = best_run
    s.day_place[day] = best_place


@_inlined
def _partners_allow(g: Given, s: State, stop: int, choice: int) -> bool:
    """Whether the days of a choice suit the stops that must or must not share a day with it."""
    first = g.choice_day_first[choice]
    count = g.choice_day_first[choice + 1] - first
    for at in range(g.partner_first[stop], g.partner_first[stop + 1]):
        other = g.partner[at]
        theirs = s.choice[other]
        if theirs < 0:
            continue
        shared = 0
        for k in range(first, first + count):
            if s.where[other, g.choice_days[k]] >= 0:
                shared += 1
        if g.partner_shares[at]:
            others = g.choice_day_first[theirs + 1] - g.choice_day_first[theirs]
            if shared < min(count, others):
                return False
        elif shared > 0:
            return False
    return True


@_inlined
def _place_stop(g: Given, s: State, stop: int) -> bool:
    """Put a stop on the days of its cheapest choice; false where none fits at its price."""
    s.ticks[2] += 1
    mark = s.ticks[2]
    best = g.absent_price[stop]
    best_choice = -1
    has_partners = g.partner_first[stop + 1] > g.partner_first[stop]
    for choice in range(g.choice_first[stop], g.choice_first[stop + 1]):
        price = g.choice_price[choice]
        if price >= best:
            continue
        if has_partners and not _partners_allow(g, s, stop, choice):
            continue
        for k in range(g.choice_day_first[choice], g.choice_day_first[choice + 1]):
            day = g.choice_days[k]
            if s.day_known[day] != mark:
                s.day_known[day] = mark
                _find_place(g, s, stop, day)
            price += s.day_price[day]
            if price >= best:
                break
        if price < best:
            best = price
            best_choice = choice
    if best_choice < 0:
        return False
    for k in range(g.choice_day_first[best_choice], g.choice_day_first[best_choice + 1]):
        day = g.choice_days[k]
        _put_into(g, s, stop, day, s.day_run[day], s.day_place[day])
    s.choice[stop] = best_choice
    s.sums[0] += g.choice_price[best_choice]
    return True


@_inlined
def _take_out(g: Given, s: State, stop: int) -> None:
    """Take a stop out of all its days."""
    choice = s.choice[stop]
    for k in range(g.choice_day_first[choice], g.choice_day_first[choice + 1]):
        _take_from(g, s, stop, g.choice_days[k])
    s.sums[0] -= g.choice_price[choice]
    s.choice[stop] = -1


@_inlined
def _become_absent(g: Given, s: State, stop: int) -> None:
    count = int(s.ticks[3])
    s.absent[count] = stop
    s.absent_at[stop] = count
    s.ticks[3] = count + 1
    s.sums[0] += g.absent_price[stop]
    s.sums[1] += g.absent_hard[stop]


@_inlined
def _become_present(g: Given, s: State, stop: int) -> None:
    at = s.absent_at[stop]
    count = int(s.ticks[3]) - 1
    last = s.absent[count]
    s.absent[at] = last
    s.absent_at[last] = at
    s.absent_at[stop] = -1
    s.ticks[3] = count
    s.sums[0] -= g.absent_price[stop]
    s.sums[1] -= g.absent_hard[stop]


@_inlined
def _ruin(
    g: Given,
    s: State,
    day: int,
    seed: int,
    only_day: bool,
    any_day: bool,
    average_out: float,
) -> int:
    """Take strings of stops near ``seed`` out of the day's runs, or out of runs of any days;
    answers how many."""
    random = s.random
    count = 0
    used = 0
    total = 0
    for at in range(g.day_first[day], g.day_first[day + 1]):
        length = s.length[g.day_runs[at]]
        total += length
        used += 1 if length > 0 else 0
    if used == 0:
        return 0
    longest = min(float(LONGEST_STRING), total / used)
    most_strings = 4.0 * average_out / (1.0 + longest) - 1.0
    strings = int(_uniform(random) * most_strings + 1.0)
    s.ticks[4] += 1
    mark = s.ticks[4]
    for at in range(-1, g.near.shape[1]):
        if strings <= 0:
            break
        centre = seed if at < 0 else g.near[seed, at]
        run = s.where[centre, day]
        if any_day and at >= 0:
            theirs = s.choice[centre]
            if theirs < 0:
                continue
            first = g.choice_day_first[theirs]
            on = first + _below(random, g.choice_day_first[theirs + 1] - first)
            run = s.where[centre, g.choice_days[on]]
        if run < 0 or s.ruined_at[run] == mark:
            continue
        s.ruined_at[run] = mark
        strings -= 1
        n = s.length[run]
        size = int(_uniform(random) * min(float(n), longest) + 1.0)
        size = min(size, n)
        kept = 0
        if size > 1 and size < n and _uniform(random) < SPLIT_SHARE:
            kept = 1
            while size + kept < n and _uniform(random) > SPLIT_GROWS:
                kept += 1
        span = size + kept
        place = 0
        while s.order[run, place] != centre:
            place += 1
        lowest = max(0, place - span + 1)
        highest = min(place, n - span)
        start = lowest + _below(random, highest - lowest + 1)
        kept_from = start + (1 + _below(random, size - 1) if kept > 0 else 0)
        first_out = count
        for k in range(start, start + span):
            if kept > 0 and k >= kept_from and k < kept_from + kept:
                continue
            s.out[count] = s.order[run, k]
            count += 1
        for j in range(first_out, count):
            stop = s.out[j]
            s.out_choice[j] = s.choice[stop]
            if only_day:
                _take_from(g, s, stop, day)
            else:
                _take_out(g, s, stop)
    return count


@_inlined
def _sort_out(g: Given, s: State, count: int, depot: int) -> None:
    """Order in which stops are put back: at random, by load, far, near or many visits first."""
    how = _uniform(s.random)
    for j in range(count):
        stop = s.out[j]
        key = _uniform(s.random)
        if how < 0.3:
            pass
        elif how < 0.5:
            key = -(g.load[stop] + 1e-6 * key)
        elif how < 0.65:
            key = -g.metres[depot, stop]
        elif how < 0.75:
            key = g.metres[depot, stop]
        else:
            first = g.choice_first[stop]
            visits = g.choice_day_first[first + 1] - g.choice_day_first[first]
            key -= visits * (1.0 + g.load[stop])
        s.out_key[j] = key
    for j in range(1, count):
        key, stop, choice = s.out_key[j], s.out[j], s.out_choice[j]
        k = j - 1
        while k >= 0 and s.out_key[k] > key:
            s.out_key[k + 1] = s.out_key[k]
            s.out[k + 1] = s.out[k]
            s.out_choice[k + 1] = s.out_choice[k]
            k -= 1
        s.out_key[k + 1] = key
        s.out[k + 1] = stop
        s.out_choice[k + 1] = choice


@_inlined
def _step_back(g: Given, s: State, count: int, price: float) -> None:
    """Undo the present step: the touched runs and the stops that were out."""
    days = s.where.shape[1]
    for t in range(int(s.ticks[1])):
        run = s.touched[t]
        day = g.run_day[run]
        for k in range(s.length[run]):
            s.where[s.order[run, k], day] = NO_ROUTE
    for t in range(int(s.ticks[1])):
        run = s.touched[t]
        day = g.run_day[run]
        n = s.old_length[run]
        for k in range(n):
            stop = s.old_order[run, k]
            s.order[run, k] = stop
            s.edge[run, k] = s.old_edge[run, k]
            s.where[stop, day] = run
        s.edge[run, n] = s.old_edge[run, n]
        s.length[run] = n
        s.work[run] = s.old_work[run]
        s.filled[run] = s.old_filled[run]
        s.version[run] = s.old_version[run]
    for j in range(count):
        stop = s.out[j]
        before = s.out_choice[j]
        if before < 0 and s.choice[stop] >= 0:
            _become_absent(g, s, stop)
        elif before >= 0 and s.choice[stop] < 0:
            _become_present(g, s, stop)
        s.choice[stop] = before
    s.sums[0] = price
    assert days > 0


@_inlined
def _step(
    g: Given,
    s: State,
    temperature: float,
    average_out: float,
    day_share: float,
    any_day_share: float,
) -> bool:
    """One step; whether it was kept."""
    random = s.random
    stops = s.choice.shape[0]
    s.ticks[0] += 1
    s.ticks[1] = 0
    price = s.sums[0]
    hard = s.sums[1]
    seed = _below(random, stops)
    count = 0
    only_day = False
    day = 0
    if s.choice[seed] >= 0:
        first = g.choice_day_first[s.choice[seed]]
        visits = g.choice_day_first[s.choice[seed] + 1] - first
        day = g.choice_days[first + _below(random, visits)]
        only_day = _uniform(random) < day_share
        any_day = not only_day and _uniform(random) < any_day_share
        count = _ruin(g, s, day, seed, only_day, any_day, average_out)
    else:
        # Make room where the absent stop would like to be.
        choices = g.choice_first[seed + 1] - g.choice_first[seed]
        if choices > 0:
            choice = g.choice_first[seed] + _below(random, choices)
            first = g.choice_day_first[choice]
            visits = g.choice_day_first[choice + 1] - first
            if visits > 0:
                day = g.choice_days[first + _below(random, visits)]
                count = _ruin(g, s, day, seed, False, False, average_out)
    if not only_day:
        absent = int(s.ticks[3])
        for _ in range(min(absent, MOST_ABSENT_TRIED)):
            stop = s.absent[_below(random, absent)]
            if s.is_out[stop] == 0:
                s.is_out[stop] = 1
                s.out[count] = stop
                s.out_choice[count] = -1
                count += 1
        for j in range(count):
            s.is_out[s.out[j]] = 0
    depot = 0
    if g.day_first[day] < g.day_first[day + 1]:
        depot = g.run_depot[g.day_runs[g.day_first[day]]]
    _sort_out(g, s, count, depot)
    lost = False
    for j in range(count):
        stop = s.out[j]
        if only_day:
            _find_place(g, s, stop, day)
            if s.day_run[day] < 0:
                lost = True
                break
            _put_into(g, s, stop, day, s.day_run[day], s.day_place[day])
        else:
            placed = _place_stop(g, s, stop)
            if placed and s.out_choice[j] < 0:
                _become_present(g, s, stop)
            elif not placed and s.out_choice[j] >= 0:
                _become_absent(g, s, stop)
    keep = not lost
    if keep:
        # Warmth is for metres alone: what must be served is not given up for it.
        worse = s.sums[0] - price
        keep = worse < -temperature * np.log(_uniform(random) + 1e-300)
    if keep and g.timed:
        for t in range(int(s.ticks[1])):
            if not _run_holds(g, s, s.touched[t], 0, -1):
                keep = False
                break
    if not keep:
        _step_back(g, s, count, price)
        s.sums[1] = hard
    return keep


@_compiled
def _keep_best(s: State, best: State) -> None:
    for run in range(s.length.shape[0]):
        n = s.length[run]
        best.length[run] = n
        best.work[run] = s.work[run]
        best.filled[run] = s.filled[run]
        for k in range(n):
            best.order[run, k] = s.order[run, k]
            best.edge[run, k] = s.edge[run, k]
        best.edge[run, n] = s.edge[run, n]
    best.choice[:] = s.choice
    best.sums[:] = s.sums


@_compiled
def search_steps(
    g: Given,
    s: State,
    best: State,
    steps: int,
    temperature: float,
    average_out: float,
    day_share: float,
    any_day_share: float,
) -> int:
    """Take ``steps`` steps at a temperature in metres; answers how many were kept.

    ``best`` takes over what is better than it: fewer hard prices first, then the price.
    """
    kept = 0
    lent = _lent_given(g)
    state = _lent_state(s)
    for _ in range(steps):
        if _step(lent, state, temperature, average_out, day_share, any_day_share):
            kept += 1
            better = s.sums[0] < best.sums[0] - 1e-7 and s.sums[1] <= best.sums[1] + 1e-9
            if better or s.sums[1] < best.sums[1] - 1e-9:
                _keep_best(s, best)
    return kept


@_compiled
def place_absent(g: Given, s: State) -> None:
    """Put every absent stop where it is cheapest, in order of their numbers from last to first."""
    s.ticks[0] += 1
    s.ticks[1] = 0
    for at in range(int(s.ticks[3]) - 1, -1, -1):
        stop = s.absent[at]
        if _place_stop(g, s, stop):
            _become_present(g, s, stop)


@_compiled
def forget_prices(s: State) -> None:
    """What stops would cost in runs is to be found anew."""
    for run in range(s.length.shape[0]):
        s.ticks[5] += 1
        s.version[run] = s.ticks[5]


@_compiled
def adopt(g: Given, s: State, other: State) -> None:
    """Take over another state's plan."""
    s.where[:] = NO_ROUTE
    _keep_best(other, s)
    for run in range(s.length.shape[0]):
        for k in range(s.length[run]):
            s.where[s.order[run, k], g.run_day[run]] = run
    forget_prices(s)
    s.ticks[3] = 0
    for stop in range(s.choice.shape[0]):
        s.absent_at[stop] = -1
        if s.choice[stop] < 0:
            s.absent[s.ticks[3]] = stop
            s.absent_at[stop] = s.ticks[3]
            s.ticks[3] += 1


@_compiled
def place_as_planned(g: Given, s: State, runs: Ints, stops: Ints, choices: Ints) -> None:
    """Put visits (``runs`` and ``stops``, in the order of each run) where a plan has them.

    ``choices`` gives each stop's choice, -1 where it stays absent. Runs that break a promise lose
    their stops again.
    """
    s.ticks[0] += 1
    s.ticks[1] = 0
    for at in range(runs.shape[0]):
        stop = stops[at]
        if choices[stop] < 0 or s.length[runs[at]] >= s.order.shape[1]:
            continue
        _put_into(g, s, stop, g.run_day[runs[at]], runs[at], s.length[runs[at]])
    for stop in range(choices.shape[0]):
        if choices[stop] >= 0:
            s.choice[stop] = choices[stop]
            s.sums[0] += g.choice_price[choices[stop]]
            _become_present(g, s, stop)
    for run in range(s.length.shape[0]):
        most_work = min(g.run_shift[run], g.run_returns[run] - g.run_leaves[run])
        holds = s.filled[run] <= g.run_capacity[run] + 1e-9 and s.work[run] <= most_work + 1e-9
        holds = holds and (not g.timed or _run_holds(g, s, run, 0, -1))
        while not holds and s.length[run] > 0:
            stop = s.order[run, s.length[run] - 1]
            _take_out(g, s, stop)
            _become_absent(g, s, stop)
    for stop in range(choices.shape[0]):
        if s.choice[stop] >= 0 and not _partners_allow(g, s, stop, s.choice[stop]):
            _take_out(g, s, stop)
            _become_absent(g, s, stop)
