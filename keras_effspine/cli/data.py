"""`effspine data`: what is done to a data set before training."""

import typer

from keras_effspine.cli.data_check import check
from keras_effspine.cli.data_convert import convert

app = typer.Typer(help="Look through a data set before training, or write it in another format.")
for verb in (check, convert):
    app.command()(verb)
