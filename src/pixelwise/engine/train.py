"""The loop. From the train command to `optimizer.step()`: `train`, `_fit`, `_train_epoch`."""

import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from pixelwise.core.chance import seed_torch
from pixelwise.core.errors import RunError
from pixelwise.core.files import check_free
from pixelwise.core.labels import LabelSpace
from pixelwise.data import SegmentationDataset, find_data_root
from pixelwise.data.cache import decoded
from pixelwise.data.statistics import Statistics, measure
from pixelwise.engine.budget import Budget
from pixelwise.engine.checkpoint import load_state, save_state, save_weights
from pixelwise.engine.evaluate import judge, summarise
from pixelwise.engine.features import Remembering, variants
from pixelwise.engine.guard import Guard
from pixelwise.engine.learner import Learner, build_learner, build_network, thinned
from pixelwise.engine.memory import freed_memory_kept, give_back, peak_mib
from pixelwise.engine.pictures import draw_curves, draw_predictions
from pixelwise.engine.precision import Machine, check_layout, decide, describe
from pixelwise.engine.predictor import Predictor, typical_images
from pixelwise.engine.progress import Bar, Log, console
from pixelwise.engine.records import Trained, epoch_line, epoch_record, epoch_title
from pixelwise.engine.rehearsal import check_batches
from pixelwise.engine.schedule import learning_rate, moves_each_step, set_learning_rate
from pixelwise.engine.selection import State, advance
from pixelwise.engine.tracking import TrackerName, check_tracker, tracking
from pixelwise.engine.unfold import folded, unfold
from pixelwise.experiment import Experiment
from pixelwise.metrics import confusion
from pixelwise.runs import Run


def train(
    experiment: Experiment,
    *,
    data_root: Path | str | None = None,
    out: Path | str | None = None,
    track: TrackerName | None = None,
) -> Run:
    """Trains an experiment and writes its run folder.

    Args:
        experiment: What to do.
        data_root: Where the data sets lie; None takes PIXELWISE_DATA, else ./data.
        out: The run's folder, new or empty; None makes `runs/<name>/<time>_seed<n>`.
        track: Who is told of each epoch besides the run's folder.

    Returns:
        The run; its best checkpoint is judged on the validation split.

    Raises:
        InvalidSpec: A split, class or device that does not exist, weights that cannot be had, or a batch of one image
            that the network cannot learn from.
        DatasetNotFound: The data is not there.
        BadData: A file cannot be used.
        RunError: `out` is not empty or cannot be written to, or the loss became infinite.
        Interrupted: Ctrl-C; the run can be resumed.
    """
    path = Path(out) if out else Run.new_path(Path("runs"), experiment.name, experiment.fit.seed)
    check_free(path, "a run")
    check_tracker(track, experiment.name)
    machine = decide(experiment.fit)
    experiment = experiment.replace(data=experiment.data.found(find_data_root(data_root)))
    network = build_network(experiment)
    check_layout(network, machine, experiment.fit)  # before weights are fetched
    experiment.model.load_pretrained(network)
    data = _open_data(experiment, data_root)
    check_batches(experiment, data.train)
    data = _decode(data, experiment, machine)
    statistics = measure(data.train, machine.workers)
    learner = build_learner(experiment, machine, data.train, statistics, network)
    environment = {**describe(), "machine": machine.model_dump(), "statistics": statistics.model_dump()}
    run = Run.create(path, experiment.to_json(), environment)
    return _fit(run, experiment, data, statistics, learner, track)


def resume(run: Run | Path | str, *, data_root: Path | str | None = None, track: TrackerName | None = None) -> Run:
    """Goes on after a run's last finished epoch, to the same weights as if it had not been stopped.

    Args:
        run: The run; a finished one is given back as it is.
        data_root: Where the data sets lie; None takes PIXELWISE_DATA, else ./data.
        track: Who is told of each epoch, the finished ones included.

    Raises:
        RunError: The run cannot be used, its training split has changed, or the loss became infinite.
        InvalidSpec: Its first epoch was not finished, and the published weights that it begins with cannot be had.
        DatasetNotFound: The data is not there.
        BadData: A file cannot be used.
        Interrupted: Ctrl-C; the run can be resumed again.
    """
    run = Run.open(run.path if isinstance(run, Run) else run)
    experiment = Experiment.from_json(run.experiment_json())
    check_tracker(track, experiment.name)
    machine, statistics = run.stored("machine", Machine), run.stored("statistics", Statistics)
    decide(experiment.fit.replace(device=machine.device))  # the device must still be there
    data = _open_data(experiment, data_root)
    if len(data.train) != statistics.images:
        raise RunError(
            f"{run.path} learnt from {statistics.images} images, and {experiment.data.kind} now has {len(data.train)}"
            f" in '{experiment.data.train_split}': restore the data or start a new run."
        )
    network = build_network(experiment)
    if not run.last.exists():
        experiment.model.load_pretrained(network)
    data = _decode(data, experiment, machine)
    learner = build_learner(experiment, machine, data.train, statistics, network)
    return _fit(run, experiment, data, statistics, learner, track)


class _Data(NamedTuple):
    train: SegmentationDataset
    val: SegmentationDataset
    space: LabelSpace


def _open_data(experiment: Experiment, data_root: Path | str | None) -> _Data:
    spec, root = experiment.data, find_data_root(data_root)
    for name in experiment.watch:
        spec.label_space.class_id(name)
    return _Data(spec.build(spec.train_split, root), spec.build(spec.val_split, root), spec.label_space)


def _decode(data: _Data, experiment: Experiment, machine: Machine) -> _Data:
    """The same splits, decoded before or now."""
    console.print(f"reading {len(data.train)} training and {len(data.val)} validation images")
    train, val = (decoded(split, experiment.data, machine.workers) for split in (data.train, data.val))
    return _Data(train, val, data.space)


def _fit(
    run: Run, experiment: Experiment, data: _Data, statistics: Statistics, learner: Learner, track: TrackerName | None
) -> Run:
    """The epochs that are still to do."""
    fit, machine, log = experiment.fit, learner.machine, Log(run.log)
    torch.set_num_threads(machine.threads)
    state = _restore(run, learner)
    frozen = variants(experiment.model, experiment.augment)
    kept = learner.kept
    predictor = Predictor(kept, experiment, Remembering(kept, len(data.val)) if frozen else None)
    parameters = sum(p.numel() for p in learner.model.parameters())
    log.line(
        f"{run.path}: {len(data.train)} training and {len(data.val)} validation images, {data.space.num_classes}"
        f" classes, {parameters:,} parameters, {machine.device} {machine.precision}"
    )
    if absent := [n for n, pixels in zip(data.space.names, statistics.pixel_counts, strict=True) if not pixels]:
        log.line(f"no training pixel of {', '.join(absent)}: cannot be learnt; class weights, if any, are 0 for it")
    if state.epoch == 0 and getattr(experiment.model, "weights", None) and (layers := folded(learner.model)):
        unfold(learner.model, layers, typical_images(data.train, experiment.size))
        log.line(
            f"{len(layers)} folded BatchNorm layers of the weights: their statistics are measured on training images"
        )
    budget, epoch = Budget(fit, run.history()), state.epoch + 1
    with Guard(run) as guard, tracking(track, run, run.history()) as tracker, freed_memory_kept():
        while not state.stopped and budget.allows(epoch):
            began, rate = time.perf_counter(), learning_rate(fit, budget.share(epoch))
            seed_torch(fit.seed, epoch)
            set_learning_rate(learner.optimizer, rate)
            trained = _train_epoch(learner, epoch, epoch_title(fit, epoch), data.space.num_classes, guard, budget)
            guard.after_epoch(epoch, trained.loss)
            give_back()
            judged = judge(predictor, data.val, learner.loss, fit.batch_size, machine.workers)
            budget.judged(time.perf_counter() - began - trained.seconds)
            state, is_best = advance(state, fit, epoch, judged.loss, confusion.mean_iou(judged.matrix))
            state = state.replace(stopped=state.stopped or budget.over())
            peak = peak_mib(machine.torch_device)
            record = epoch_record(epoch, rate, trained, judged, data.space, is_best, began, peak)
            run.append_history(record)
            if is_best:
                save_weights(run.best, kept, epoch)
                result = summarise(judged, experiment.data, experiment.data.val_split, epoch, statistics)
                run.add_result(result, judged.ids, judged.matrices)
            save_state(run.last, learner.model, learner.optimizer, state, learner.average)
            log.line(epoch_line(record, fit))
            tracker.add(record)
            guard.after_step()
            epoch += 1
    if fit.early_stop and state.stale >= fit.early_stop.patience:
        log.line(f"stopped after epoch {state.epoch}: nothing better for {state.stale} epochs")
    draw_curves(run, experiment)
    draw_predictions(run, Predictor.load(run, machine.device), data.val, experiment.data.val_split)
    return run


def _train_epoch(learner: Learner, epoch: int, title: str, num_classes: int, guard: Guard, budget: Budget) -> Trained:
    """An epoch's passes. Nothing in the step waits for the device but a bar that somebody watches."""
    model, optimizer, machine, fit = learner.model, learner.optimizer, learner.machine, learner.fit
    device = machine.torch_device
    sums = torch.zeros(2, dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=device)
    began, seen = time.perf_counter(), 0
    model.train()
    with Bar(len(learner.loader), title) as bar:
        for number, (images, labels) in enumerate(learner.loader.epoch(epoch)):
            labels = labels.to(device, non_blocking=True)
            with machine.autocast():
                logits, auxiliary = learner.forward(images)
            value = learner.loss(logits, labels)
            total = value.mean + learner.aux * sum(learner.loss(aux, thinned(labels, aux)).mean for aux in auxiliary)
            total.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
            if fit.clip:
                nn.utils.clip_grad_norm_(model.parameters(), fit.clip)
            if moves_each_step(fit):
                set_learning_rate(optimizer, learning_rate(fit, budget.share(epoch, number / len(learner.loader))))
            optimizer.step()
            optimizer.zero_grad()  # here, so that no gradient takes memory beside what the next forward keeps
            if learner.average:
                learner.average.update_parameters(model)

            sums += torch.stack([value.sum.detach(), value.count])
            matrix += confusion.count(labels, confusion.predicted(logits), num_classes)
            seen += len(images)
            bar.step(f"loss {value.mean.item():.3f}" if bar.shown else "")
            guard.after_step()
            if budget.over():
                break
    loss, pixels = sums.tolist()
    return Trained(loss / pixels if pixels else 0.0, matrix.cpu().numpy(), time.perf_counter() - began, seen)


def _restore(run: Run, learner: Learner) -> State:
    """Where to go on; a run whose first epoch was not finished starts again from its seed."""
    if not run.last.exists() and not run.history():
        return State()
    state = load_state(run.last, learner.model, learner.optimizer, learner.average)
    run.keep_history(state.epoch)
    return state
