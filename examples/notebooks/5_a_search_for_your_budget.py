# %% [markdown]
# # A search for your own budget
#
# The paper's own contribution: where in the network the computation should go is learnt, at a budget
# that you name. A real search is hundreds of short trainings; this one is cut down until two CPU cores
# do it in some minutes, so that the whole way can be seen. Its winner is no recommendation.
#
# In Colab run this first: `%pip install 'keras-effspine[search]'`

# %%
import keras_effspine as ke
from keras_effspine.training.recipe import Data, Recipe

STEPS = 60  # tiny: 2
CANDIDATES = 12  # tiny: 2
SHARED_STEPS = 120  # tiny: 2
IMAGE_SIZE = 96  # tiny: 64
RESERVE = 60  # tiny: 2

# %% [markdown]
# ## What a candidate is
#
# Each of the 18 blocks has a beta out of {1, 5, 10, 15, 20}: the larger, the wider that block. Equation
# 3 scales all widths, so that the multiply-adds stay those of the preset: what one block gets,
# the others give. A candidate trains as the recipe says, and is scored on training pictures that are
# kept apart. No validation picture is looked at.

# %%
recipe = Recipe(
    preset="m0",
    data=Data(data="shapes", reserve=RESERVE),
    image_size=IMAGE_SIZE,
    steps=STEPS,
    evaluations=1,
    batch_size=8,
)
found = ke.search(recipe, "search", candidates=CANDIDATES)

# %% [markdown]
# The same call again goes on where it was stopped; with more `candidates` it goes on from its end.
#
# ## What was found

# %%
print("betas of the winner:", found.winner.result.betas)
print(
    f"{found.winner.multiply_adds / 1e6:.1f} M multiply-adds, score {found.winner.result.score:.3f}"
)

# %%
import csv

with open("search/ranking.csv") as file:
    rows = list(csv.DictReader(file))
for row in rows[:5]:
    print({name: row[name] for name in list(row)[:5]})

# %% [markdown]
# `search/report.md` has this as a page, with pictures. The winner is a preset: an architecture to
# train from the start, on all pictures and for long.

# %%
backbone = ke.EffSpineNetBackbone.from_preset(str(found.preset), load_weights=False)
f"{backbone.count_params():,} parameters"

# %% [markdown]
# ## A budget of your own
#
# `multiply_adds` is a hard limit: no candidate above it is ever tried. `latency_ms=12` is one in
# milliseconds on this very device: the blocks are timed first.
#
# With `weight_sharing` one network that holds all candidates is trained once, and a candidate is a
# slice of it: hundreds are scored in minutes, and the winner comes with weights.

# %%
shared = ke.search(
    recipe.model_copy(update={"steps": SHARED_STEPS}),
    "shared",
    candidates=CANDIDATES,
    multiply_adds=found.winner.multiply_adds,
    weight_sharing=True,
)
print(
    f"{shared.winner.multiply_adds / 1e6:.1f} M multiply-adds, score {shared.winner.result.score:.3f}"
)

# %%
model = ke.RetinaNet.from_preset(str(shared.preset))
photo = ke.load_data("shapes", report=lambda line: None).val.records[0].path
len(model.detect(photo))

# %% [markdown]
# Can candidates be told apart at all? Ask before you spend days: `effspine search ... --rehearse` trains
# some of them with several seeds, and warns where their order is chance.
#
# Next: [learning the resource distribution](../../docs/search.md),
# [what the paper says and where](../../docs/paper.md).
