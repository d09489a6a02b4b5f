"""Training pictures that are measured on in place of being trained on."""

import pytest
from small_data import small_record_set

from keras_effspine.data.reserved_records import reserve_records
from keras_effspine.errors import DataError


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return small_record_set(tmp_path_factory.mktemp("reserved"), count=10)


def ids(record_set):
    return [record.image_id for record in record_set.records]


def test_every_picture_is_in_one_of_the_parts_and_in_order(records):
    stay, apart = reserve_records(records, 3)
    assert (len(stay.records), len(apart.records)) == (7, 3)
    assert sorted(ids(stay) + ids(apart)) == ids(records)
    assert ids(stay) == sorted(ids(stay)) and ids(apart) == sorted(ids(apart))
    assert stay.class_names == apart.class_names == records.class_names
    assert stay.records[-1] is records.records[-1] or apart.records[-1] is records.records[-1]
    assert [r.image_id for r in apart.records[:2]] == ids(apart)[:2]


def test_it_is_the_same_part_each_time(records):
    assert ids(reserve_records(records, 3)[1]) == ids(reserve_records(records, 3)[1])


@pytest.mark.parametrize("count", [0, 6, 100])
def test_a_set_of_which_too_little_would_stay_is_refused(records, count):
    with pytest.raises(DataError, match=f"of 10 pictures {count} cannot be reserved") as caught:
        reserve_records(records, count)
    assert "Reserve 5 at most" in str(caught.value)
