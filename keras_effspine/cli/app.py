"""`effspine app`."""

from typing import Annotated

import typer

from keras_effspine.cli.console import say
from keras_effspine.cli.options import Last
from keras_effspine.cli.predictor import find_predictor


def app(
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder that `effspine train` wrote, of which the best model is used; a "
            "preset with weights; or a file of `effspine export`."
        ),
    ],
    last: Last = False,
    min_score: Annotated[
        float, typer.Option(help="Where the threshold stands at first.", min=0.0, max=1.0)
    ] = 0.3,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port; 0 takes a free one.", min=0)] = 7860,
) -> None:
    """Open a page in the browser: drop pictures, move the threshold, see what the model sees.

    The page is served until Ctrl-C. Pictures stay on this machine. Needs the extra `app` (gradio).
    """
    import socket

    from keras_effspine.errors import DataError
    from keras_effspine.extras import needs_extra
    from keras_effspine.workflow.app import build_app

    with needs_extra("app"):  # before a model is loaded for nothing
        import gradio  # noqa: F401
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind((host, port))
        except (OSError, OverflowError) as error:
            raise DataError(f"{host}:{port} cannot be listened at ({error}); --port 0.") from error
        free = place.getsockname()[1]
    page = build_app(find_predictor(run, last), min_score)
    _, address, _ = page.launch(
        server_name=host, server_port=free, quiet=True, prevent_thread_lock=True, ssr_mode=False
    )
    say(f"The page is at {address} until Ctrl-C.")
    try:
        page.block_thread()
    finally:
        page.close()
