"""The training loop. From the train command to `optimizer.step()`: `train`, `_fit`, `_train_round`."""

import time
from pathlib import Path

import torch
from torch import nn

from pixelwise.core.errors import RunError
from pixelwise.core.machine import Machine, describe_machine
from pixelwise.core.progress import Bar, Log, console
from pixelwise.core.seeding import seed_torch
from pixelwise.data import find_data_root
from pixelwise.data.prepare import Splits, open_splits, prepare
from pixelwise.evaluation.evaluate import evaluate_split, summarize
from pixelwise.evaluation.figures import draw_curves, draw_predictions
from pixelwise.experiment import Experiment
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor, calibration_images
from pixelwise.inference.runtime import resolve_runtime
from pixelwise.inference.weights import save_weights
from pixelwise.metrics import confusion
from pixelwise.run import Run
from pixelwise.run.environment import Environment
from pixelwise.training.budget import Budget
from pixelwise.training.checkpoint import load_state, save_state
from pixelwise.training.feature_cache import FeatureCache, cacheable_variants
from pixelwise.training.fused_batchnorm import fused_batchnorm_layers, restore_fused_batchnorm
from pixelwise.training.history import TrainCounts, epoch_line, epoch_record, epoch_title
from pixelwise.training.interrupts import Interrupts
from pixelwise.training.memory import freed_memory_kept, peak_mib, release_free_memory
from pixelwise.training.optimizer import set_learning_rate
from pixelwise.training.preflight import preflight
from pixelwise.training.schedule import changes_every_step, learning_rate
from pixelwise.training.selection import TrainingState, advance
from pixelwise.training.setup import Learner, build_learner, build_network, subsample_labels
from pixelwise.training.tracking import TrackerName, check_tracker, tracking


def train(
    experiment: Experiment,
    *,
    data_root: Path | str | None = None,
    out: Path | str | None = None,
    track: TrackerName | None = None,
) -> Run:
    """Trains an experiment and writes its run folder.

    Args:
        experiment: The experiment.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        out: The run folder: new, empty, or that of the same experiment stopped before its first checkpoint; None makes
            `runs/<name>/<time>_seed<n>`.
        track: Experiment tracker that receives every validation besides the run folder.

    Returns:
        The run; its best checkpoint is evaluated on the validation split.

    Raises:
        InvalidSpec: A split, class or device that does not exist, weights that are not available, or a component that
            breaks its contract.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
        RunError: `out` is not empty or cannot be written to, or the loss became infinite.
        Interrupted: Ctrl-C; the run can be resumed.
    """
    path = Path(out) if out else Run.new_path(Path("runs"), experiment.name, experiment.fit.seed)
    Run(path).check_free()
    check_tracker(track, experiment.name)
    machine, root = resolve_runtime(experiment.fit), find_data_root(data_root)
    experiment = experiment.replace(data=experiment.data.resolve(root))
    Run(path).check_free(experiment)
    network = preflight(experiment, machine, *open_splits(experiment.data, root))
    splits = _prepare(experiment, root, machine)
    learner = build_learner(experiment, machine, splits.train, splits.statistics, network)
    environment = Environment(machine=machine, statistics=splits.statistics, **describe_machine())
    return _fit(Run.create(path, experiment, environment), splits, learner, track)


def resume(run: Run | Path | str, *, data_root: Path | str | None = None, track: TrackerName | None = None) -> Run:
    """Continues a run after its last validation, to the same weights as without the interruption.

    Args:
        run: The run; a finished one is returned as it is.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        track: Experiment tracker that receives every validation, the finished ones included.

    Raises:
        RunError: The run cannot be used, its training split has changed, or the loss became infinite.
        InvalidSpec: No checkpoint was written yet, and the pretrained weights are not available.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
        Interrupted: Ctrl-C; the run can be resumed again.
    """
    run = Run.open(run)
    experiment, machine, statistics = run.experiment, run.environment.machine, run.statistics
    check_tracker(track, experiment.name)
    resolve_runtime(experiment.fit.replace(device=machine.device))  # the device must still be available
    root = find_data_root(data_root)
    train_split, _ = open_splits(experiment.data, root)
    if len(train_split) != statistics.images:
        raise RunError(
            f"{run.path} was trained on {statistics.images} images, and {experiment.data.kind} now has"
            f" {len(train_split)} in '{experiment.data.train_split}': restore the data or start a new run."
        )
    network = build_network(experiment)
    if not run.last.exists():
        experiment.model.load_pretrained(network)
    splits = _prepare(experiment, root, machine, run)
    learner = build_learner(experiment, machine, splits.train, statistics, network)
    return _fit(run, splits, learner, track)


def _prepare(experiment: Experiment, root: Path, machine: Machine, run: Run | None = None) -> Splits:
    """Decodes both splits; statistics are measured, or taken from a run."""
    console.print(f"reading the images of {experiment.data.kind}", markup=False)
    return prepare(experiment.data, root, machine.workers, run.statistics if run else None)


def _fit(run: Run, splits: Splits, learner: Learner, track: TrackerName | None) -> Run:
    """Trains the remaining epochs. A round is the `fit.val_every` epochs between two validations."""
    experiment, fit, machine, log = run.experiment, learner.fit, learner.machine, Log(run.log)
    torch.set_num_threads(machine.threads)
    state = _restore(run, learner)
    has_cache = cacheable_variants(experiment.model, experiment.augment) > 0
    eval_model = learner.eval_model
    predictor = Predictor(eval_model, experiment, FeatureCache(eval_model, len(splits.val)) if has_cache else None)
    _log_start(run, splits, learner, log)
    if state.epoch == 0:
        _restore_batchnorm(learner, experiment, splits, log)
    budget, number = Budget(fit, run.history()), state.epoch // fit.val_every + 1
    with Interrupts(run) as interrupts, tracking(track, run, run.history()) as tracker, freed_memory_kept():
        while not state.stopped and budget.allows(number):
            began, epoch, rate = (
                time.perf_counter(),
                number * fit.val_every,
                learning_rate(fit, budget.progress(number)),
            )
            seed_torch(fit.seed, number)
            set_learning_rate(learner.optimizer, rate)
            trained = _train_round(learner, number, splits.label_space.num_classes, interrupts, budget)
            interrupts.check_loss(epoch, trained.loss)
            release_free_memory()
            validated = evaluate_split(predictor, splits.val, learner.loss, fit.batch_size, machine.workers)
            budget.add_validation(time.perf_counter() - began - trained.seconds)
            state, is_best = advance(state, fit, epoch, validated.loss, confusion.mean_iou(validated.matrix))
            state = state.replace(stopped=state.stopped or budget.over())
            peak = peak_mib(machine.torch_device)
            record = epoch_record(epoch, rate, trained, validated, splits.label_space, is_best, began, peak)
            run.append_history(record)
            if is_best:
                save_weights(run, eval_model, epoch)
                result = summarize(validated, experiment.data, experiment.data.val_split, epoch, splits.statistics)
                run.add_result(result, validated.ids, validated.matrices)
            save_state(run, learner.model, learner.optimizer, state, learner.average)
            log.line(epoch_line(record, fit))
            tracker.add(record)
            interrupts.check()
            number += 1
    if fit.early_stop and state.stale >= fit.early_stop.patience:
        log.line(f"stopped after epoch {state.epoch}: no improvement in {state.stale} validations")
    draw_curves(run)
    options = InferenceOptions(device=machine.device)  # type: ignore[arg-type]  # one of its names
    draw_predictions(run, Predictor.load(run, options), splits.val, experiment.data.val_split)
    return run


def _train_round(
    learner: Learner, number: int, num_classes: int, interrupts: Interrupts, budget: Budget
) -> TrainCounts:
    """Trains until the next validation. Nothing in the step waits for the device but a visible progress bar."""
    model, optimizer, machine, fit = learner.model, learner.optimizer, learner.machine, learner.fit
    device = machine.torch_device
    sums = torch.zeros(2, dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=device)
    began, seen = time.perf_counter(), 0
    model.train()
    with Bar(len(learner.loader), epoch_title(fit, number * fit.val_every)) as bar:
        for step, (images, labels) in enumerate(learner.loader.round(number)):
            labels = labels.to(device, non_blocking=True)
            with machine.autocast():
                logits, auxiliary = learner.forward(images)
            value = learner.loss(logits, labels)
            aux_losses = (learner.loss(aux, subsample_labels(labels, aux)).mean for aux in auxiliary)
            total = value.mean + learner.aux_loss_weight * sum(aux_losses)
            total.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
            if fit.grad_clip_norm:
                nn.utils.clip_grad_norm_(model.parameters(), fit.grad_clip_norm)
            if changes_every_step(fit):
                set_learning_rate(optimizer, learning_rate(fit, budget.progress(number, step / len(learner.loader))))
            optimizer.step()
            optimizer.zero_grad()  # here, so that no gradient takes memory beside the activations of the next forward
            if learner.average:
                learner.average.update_parameters(model)

            sums += torch.stack([value.sum.detach(), value.count])
            matrix += confusion.count(labels, confusion.predicted(logits), num_classes)
            seen += len(images)
            bar.step(f"loss {value.mean.item():.3f}" if bar.shown else "")
            interrupts.check()
            if budget.over():
                break
    loss, pixels = sums.tolist()
    return TrainCounts(loss / pixels if pixels else 0.0, matrix.cpu().numpy(), time.perf_counter() - began, seen)


def _restore(run: Run, learner: Learner) -> TrainingState:
    """The state to continue from; a run without a checkpoint starts again from its seed."""
    if not run.last.exists() and not run.history():
        return TrainingState()
    state = load_state(run, learner.model, learner.optimizer, learner.average)
    run.keep_history(state.epoch)
    return state


def _restore_batchnorm(learner: Learner, experiment: Experiment, splits: Splits, log: Log) -> None:
    """Makes pretrained weights with BatchNorm folded into the convolutions trainable."""
    if experiment.model.is_pretrained and (layers := fused_batchnorm_layers(learner.model)):
        restore_fused_batchnorm(learner.model, layers, calibration_images(splits.train, experiment.image_size))
        log.line(f"the pretrained weights have {len(layers)} folded BatchNorm layers: statistics measured on train")


def _log_start(run: Run, splits: Splits, learner: Learner, log: Log) -> None:
    parameters, space, machine = sum(p.numel() for p in learner.model.parameters()), splits.label_space, learner.machine
    log.line(
        f"{run.path}: {len(splits.train)} training and {len(splits.val)} validation images, {space.num_classes}"
        f" classes, {parameters:,} parameters, {machine.device} {machine.precision}"
    )
    counts = splits.statistics.pixel_counts
    if absent := [name for name, pixels in zip(space.names, counts, strict=True) if not pixels]:
        log.line(f"no training pixel of {', '.join(absent)}: cannot be learned; class weights, if any, are 0 for it")
