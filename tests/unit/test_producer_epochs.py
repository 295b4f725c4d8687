"""Epochs: offsets never go back."""

from producer.epochs import Epoch, Epochs


def test_an_acknowledgement_without_an_offset_does_not_take_the_position_back() -> None:
    ended: list[Epoch] = []
    for offset in (7, -1001):
        epoch = Epoch()
        epoch.offsets[0] = offset
        ended.append(epoch)
    epochs: Epochs[int] = Epochs(lambda: ended.pop(0))
    epochs.mark(1)
    epochs.mark(2)
    assert epochs.settled() == 2
    assert epochs.offsets == {0: 8}
