"""Places: few for a channel at first, more for one that answers quickly, and few again for one that does not."""

from todo_core.outbox.places import MAX_AT_ONCE, MAX_PER_CHANNEL, MIN_PER_CHANNEL, Places


def succeed(places: Places, channel: str, times: int) -> None:
    for _ in range(times):
        places.take(channel)
        places.give_back(channel, was_quick=True)


def take_all(places: Places, channel: str) -> int:
    """Takes places until the channel is full. Returns their number."""
    taken = 0
    while channel not in places.full_channels:
        places.take(channel)
        taken += 1
    return taken


def test_a_new_channel_has_two_places() -> None:
    places = Places()

    assert take_all(places, "a") == MIN_PER_CHANNEL == 2
    assert places.free == MAX_AT_ONCE - 2
    assert places.rooms == {"a": 0}


def test_each_quick_success_adds_a_place_up_to_half_of_all() -> None:
    places = Places()
    succeed(places, "a", 3)
    assert places.rooms == {"a": 5}
    succeed(places, "a", 100)

    assert take_all(places, "a") == MAX_PER_CHANNEL == MAX_AT_ONCE // 2
    assert take_all(places, "b") == MIN_PER_CHANNEL


def test_a_slow_attempt_or_a_failure_takes_the_places_back() -> None:
    places = Places()
    succeed(places, "a", 100)
    places.take("a")
    places.give_back("a", was_quick=False)

    assert take_all(places, "a") == MIN_PER_CHANNEL


def test_many_channels_take_no_memory_without_end() -> None:
    places = Places()
    for number in range(10_000):
        succeed(places, str(number), 1)

    assert len(places.rooms) == 256
    assert take_all(places, "9999") == MIN_PER_CHANNEL
    assert take_all(places, "0") == MIN_PER_CHANNEL + 1
