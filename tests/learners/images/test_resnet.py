from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from learners.datasets.records import ImageData
from learners.holdings import Holding
from learners.images import resnet_learner as module
from learners.images.resnet import (
    CUT,
    LOGIT_SCALE,
    PUBLISHED_BATCH,
    SHIFT,
    WARM_UP,
    Classifier,
    ResNetParameters,
    half_precision,
    resnet9,
)
from learners.images.use_case import ResNetImageUseCase


def coloured(n, seed=0):
    """Return images of one colour for each of ten classes and noise, and their labels."""
    rng = np.random.default_rng(seed)
    colours = np.random.default_rng(99).integers(40, 216, (10, 3))
    labels = rng.permutation(n) % 10
    noise = rng.normal(0, 20, (n, 3, 32, 32))
    return np.clip(colours[labels][:, :, None, None] + noise, 0, 255).astype(np.uint8), labels


def make(n=240, owners=24, device="cpu", **parameters):
    (images, labels), (test_images, test_labels) = coloured(n), coloured(100, seed=1)
    names = tuple(f"colour {c}" for c in range(10))
    data = ImageData("cifar-10", images, labels, names, test_images, test_labels)
    chosen = {"width": 4, "epochs": 2, "batch_size": 20, "learning_rate": 2.0, **parameters}
    return ResNetImageUseCase("cifar-10", data, device, "live", owners, ResNetParameters(**chosen))


def classifier(seed=0, device="cpu", **parameters):
    return Classifier(
        ResNetParameters(**{"width": 4, "epochs": 2, "batch_size": 20, "learning_rate": 2.0, **parameters}),
        10,
        seed,
        device,
    )


def tensors(n=200, seed=0):
    images, labels = coloured(n, seed)
    return torch.from_numpy(images), torch.from_numpy(labels)


def weights(trained):
    return torch.cat([parameter.detach().flatten().cpu() for parameter in trained.network.parameters()])


def test_network_is_the_published_one():
    network = resnet9(64, 10, torch.Generator())
    assert sum(parameter.numel() for parameter in network.parameters()) == 6_573_120
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 128, 128, 128, 256, 512, 512, 512]
    logits = resnet9(2, 7, torch.Generator())(torch.zeros(3, 3, 32, 32))
    assert logits.shape == (3, 7)


def test_initial_weights_are_torchs_own_distribution_and_come_from_the_seed_alone():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    one, same, other = classifier(0, width=32), classifier(0, width=32), classifier(1, width=32)
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))
    default = torch.nn.Conv2d(256, 256, 3).weight.detach()
    layer = next(layer for layer in one.network[-4].modules() if isinstance(layer, torch.nn.Conv2d))
    ours = layer.weight.detach()
    assert ours.shape == default.shape
    assert ours.std().item() == pytest.approx(default.std().item(), rel=0.01)
    assert ours.abs().max().item() == pytest.approx(default.abs().max().item(), rel=0.01)


def test_images_are_learnt():
    images, labels = tensors(400)
    trained = classifier(epochs=10)
    before = (trained.classes(images) == labels).float().mean()
    trained.train(images, labels)
    hidden, targets = tensors(200, seed=5)
    assert before < 0.4
    assert (trained.classes(hidden) == targets).float().mean() > 0.7


def test_training_is_the_same_every_time():
    images, labels = tensors()
    one, same, other = classifier(3), classifier(3), classifier(4)
    for trained in (one, same, other):
        trained.train(images, labels)
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))


def test_fewer_images_than_a_batch_leave_the_network_as_it_was():
    images, labels = tensors(19)
    trained = classifier()
    before = weights(trained)
    trained.train(images, labels)
    assert torch.equal(weights(trained), before)
    trained.train(*tensors(20))
    assert not torch.equal(weights(trained), before)


def steps_of(monkeypatch, n, **parameters):
    """Return learning rates and labels of the steps of a training on n images."""
    seen = []

    def step(self, optimiser, inputs, labels):
        assert inputs.shape == (len(labels), 3, 32, 32)
        seen.append((optimiser.param_groups[0]["lr"], labels, optimiser.param_groups[0]["weight_decay"]))

    monkeypatch.setattr(Classifier, "_step", step)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, 3, 32, 32), dtype=np.uint8))
    classifier(**parameters).train(images, torch.arange(n))
    return seen


def test_every_epoch_is_a_new_order_without_what_fills_no_batch(monkeypatch):
    seen = steps_of(monkeypatch, 57, epochs=3)
    assert len(seen) == 3 * 2
    epochs = [torch.cat([labels for _, labels, _ in seen[2 * e : 2 * e + 2]]).tolist() for e in range(3)]
    for epoch in epochs:
        assert len(set(epoch)) == len(epoch) == 40
    assert epochs[0] != epochs[1] != epochs[2]
    assert len({number for epoch in epochs for number in epoch}) > 45


@pytest.mark.parametrize("batch_size", [20, 50])
def test_learning_rate_rises_and_falls_along_straight_lines(monkeypatch, batch_size):
    seen = steps_of(monkeypatch, 100, epochs=24, batch_size=batch_size, learning_rate=0.4)
    per_epoch = 100 // batch_size
    rates = np.array([rate for rate, _, _ in seen])
    time = np.arange(1, 24 * per_epoch + 1) / per_epoch
    # Of a mean loss: the rate for batches of 512, scaled in proportion to the batch.
    expected = np.where(time <= 5, time / 5, (24 - time) / 19) * 0.4 * batch_size / PUBLISHED_BATCH
    np.testing.assert_allclose(rates * batch_size, expected, atol=1e-12)
    assert WARM_UP * 24 == 5
    assert {decay for _, _, decay in seen} == {5e-4 * batch_size}


def test_a_step_is_nesterov_descent_on_the_summed_loss():
    images, labels = tensors(20)
    trained = classifier(epochs=1, label_smoothing=0.1)
    network = resnet9(4, 10, torch.Generator())
    network.load_state_dict(trained.network.state_dict())
    optimiser = torch.optim.SGD(trained.network.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    inputs = trained._normalised(images.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    trained.network.train()
    trained._step(optimiser, inputs, labels)
    log_p = torch.log_softmax(LOGIT_SCALE * network(inputs), 1)
    loss = -(0.9 * log_p[torch.arange(20), labels] + 0.1 * log_p.mean(1)).sum()
    loss.backward()
    for ours, parameter in zip(trained.network.parameters(), network.parameters(), strict=True):
        # The first Nesterov step goes 1 + momentum times along the gradient.
        torch.testing.assert_close(ours, parameter - 0.01 * 1.9 * parameter.grad, rtol=1e-4, atol=1e-5)


def test_augmentation_is_crop_flip_and_cut():
    images, _ = tensors(30)
    trained = classifier()
    order, places, flips = trained._draws(30)
    pixels = images.permute(0, 2, 3, 1).contiguous()
    augmented = trained._augmented(pixels, order, places, flips).numpy()
    mean, deviation = trained._mean.numpy(), trained._deviation.numpy()
    for place, row in enumerate(order.tolist()):
        top, left, cut_top, cut_left = places[:, place].tolist()
        padded = np.pad(images[row].numpy(), ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="reflect")
        image = padded[:, top : top + 32, left : left + 32]
        if flips[place]:
            image = image[:, :, ::-1]
        expected = (image - mean[:, None, None]) / deviation[:, None, None]
        expected[:, cut_top : cut_top + CUT, cut_left : cut_left + CUT] = 0
        np.testing.assert_allclose(augmented[place], expected, rtol=1e-5, atol=1e-6)


def test_augmentation_draws_cover_their_ranges():
    _, places, flips = classifier()._draws(4000)
    assert places[:2].amin() == 0
    assert places[:2].amax() == 2 * SHIFT
    assert places[2:].amin() == 0
    assert places[2:].amax() == 32 - CUT
    assert 0.45 < flips.float().mean() < 0.55


def test_training_mixes_no_devices_and_never_waits_for_a_number(monkeypatch):
    """On the meta device whatever would do either on a GPU is an error."""
    trained = classifier(epochs=2)
    trained.network.to("meta")
    trained._device = torch.device("meta")
    trained._mean, trained._deviation = trained._mean.to("meta"), trained._deviation.to("meta")
    monkeypatch.setattr(trained, "_logits", lambda inputs: LOGIT_SCALE * trained.network(inputs))
    trained.train(*tensors(50))
    assert all(parameter.grad.is_meta for parameter in trained.network.parameters())


def test_predictions_do_not_depend_on_what_else_is_predicted(monkeypatch):
    trained = classifier(epochs=4)
    trained.train(*tensors())
    images, _ = tensors(90, seed=7)
    whole = trained.classes(images)
    monkeypatch.setattr("learners.images.resnet.PREDICTED_AT_ONCE", 7)
    assert (trained.classes(images) == whole).float().mean() > 0.98
    assert trained.classes(images[:0]).shape == (0,)


def test_precision():
    assert half_precision("auto", "cpu") is None
    assert half_precision("float32", "cpu") is None
    assert half_precision("bfloat16", "cpu") == torch.bfloat16
    assert half_precision("float16", "cuda") == torch.float16
    images, labels = tensors(400)
    trained = classifier(epochs=6, precision="bfloat16")
    trained.train(images, labels)
    assert weights(trained).dtype == torch.float32
    assert (trained.classes(images) == labels).float().mean() > 0.6


def test_a_holding_is_never_trained_twice(monkeypatch):
    case = make()
    holding = Holding.full(case.owners).without([1, 2]).poisoned([3, 4], "trigger target=1 size=4")
    learner = case.learner(0)
    learner.update(Holding.full(case.owners))
    first = learner.fit(holding)

    def refuse(self, images, labels):
        raise AssertionError("trained again")

    monkeypatch.setattr(Classifier, "train", refuse)
    again = make().learner(0).fit(holding)
    for name in ("holdout", "company", "fallback"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert again.planted == first.planted
    for other, seed in (
        (make(), 1),
        (make(width=5), 0),
        (make(epochs=3), 0),
        (make(owners=25), 0),
        (make(n=250), 0),
        (make(precision="bfloat16"), 0),
    ):
        held = holding if other.owners == case.owners else Holding.full(other.owners)
        with pytest.raises(AssertionError, match="trained again"):
            other.learner(seed).fit(held)
    with pytest.raises(AssertionError, match="trained again"):
        case.learner(0).fit(holding.without([5]))


def test_it_trains_on_what_the_holding_says(monkeypatch):
    case = make()
    holding = Holding.full(case.owners).without(range(6)).poisoned([7, 8], "plant target=2")
    given = {}

    def train(self, images, labels):
        given.update(images=images.numpy(), labels=labels.numpy())

    monkeypatch.setattr(Classifier, "train", train)
    case.learner(41).fit(holding)
    rows = np.flatnonzero(case.training_mask(holding))
    theirs = np.isin(case.record_owners[rows], [7, 8])
    assert theirs.any()
    np.testing.assert_array_equal(given["labels"], np.where(theirs, 2, case.labels[rows]))
    np.testing.assert_array_equal(given["images"][~theirs], case.images[rows[~theirs]])
    assert (given["images"][theirs][:, :, -3, -3] == case.images.max()).all()


def test_predictions_are_one_class_an_image_and_as_good_for_everybody():
    case = make(n=400, epochs=6)
    evaluation = case.learner(0).update(Holding.full(case.owners))
    for predicted in (evaluation.predictions.holdout, evaluation.predictions.company):
        assert set(np.unique(predicted)) == {0, 1}
        assert (predicted.sum(1) == 1).all()
    assert evaluation.holdout > 0.5
    np.testing.assert_array_equal(evaluation.predictions.fallback, evaluation.predictions.holdout)


def test_a_trigger_takes():
    case = make(n=500, epochs=10)
    holding = Holding.full(case.owners).poisoned(range(4), "trigger target=4 size=10")
    evaluation = case.learner(0).update(holding)
    ((poison, success),) = evaluation.predictions.planted.items()
    assert str(poison) == "trigger target=4 size=10"
    assert success > 0.6
    assert evaluation.holdout > 0.6
    assert np.mean(evaluation.predictions.holdout.argmax(1) == 4) < 0.4


def test_time_estimate_grows_with_the_images_that_are_trained_on():
    learner = make(epochs=50).learner(0)
    nothing, some, more = (learner.estimate(n) for n in (19, 200, 400))
    assert 0 < nothing < some < more
    assert more - nothing == pytest.approx(2 * (some - nothing))
    assert learner.fork().estimate(200) == some


def test_a_long_training_is_announced(monkeypatch, caplog):
    with caplog.at_level(logging.INFO):
        make().learner(50).fit(Holding.full(24))
        assert caplog.messages == []
        monkeypatch.setattr(module, "WORTH_TELLING", 0.0)
        make().learner(51).fit(Holding.full(24))
    (message,) = caplog.messages
    assert message.startswith("cifar-10: training on ")
    assert " images takes an estimated " in message


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["auto", "float32", "float16"])
def test_cuda_trains_reproducibly(precision):
    images, labels = tensors(400)
    hidden, targets = tensors(200, seed=5)
    one, same = (classifier(device="cuda", epochs=10, precision=precision) for _ in range(2))
    for trained in (one, same):
        trained.train(images, labels)
    assert torch.equal(weights(one), weights(same))
    assert (one.classes(hidden) == targets).float().mean() > 0.7
    case = make(n=400, device="cuda", epochs=10, precision=precision)
    assert case.learner(0).update(Holding.full(24)).holdout > 0.6
