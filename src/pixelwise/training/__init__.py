"""Training, evaluation and predicting: the only room that knows data, models, losses and metrics together."""
