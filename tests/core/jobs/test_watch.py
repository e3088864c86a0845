"""What a worker leaves is noticed at once."""

import threading
from time import monotonic

from core.jobs import folder as job_folder
from core.jobs import supervisor
from core.jobs.watch import Watch


def seconds(watch, most, ended=None):
    began = monotonic()
    watch.wait(most, ended)
    return monotonic() - began


def test_a_wait_ends_with_a_new_shard_or_result_and_goes_on_without_one(tmp_path):
    watch = Watch()
    watch.follow([tmp_path])
    assert seconds(watch, 0.2) >= 0.2
    for leave in (lambda: job_folder.add_shard(tmp_path, [{}]), lambda: job_folder.finish(tmp_path, "done")):
        watch.look()
        later = threading.Timer(0.3, leave)
        later.start()
        assert 0.2 < seconds(watch, 60) < 30
        later.join()
    job_folder.tell(tmp_path, "progress", done=1, total=2)
    watch.look()
    job_folder.tell(tmp_path, "progress", done=2, total=2)
    assert seconds(watch, 0.2) >= 0.2, "progress is for whoever looks"


def test_what_was_left_during_a_step_is_not_missed(tmp_path):
    watch = Watch()
    watch.follow([tmp_path])
    watch.look()
    job_folder.add_shard(tmp_path, [{}])  # after the step has read the folder, before it has told what to watch
    watch.follow([tmp_path])
    assert seconds(watch, 60) < 30


def test_a_wait_ends_when_it_is_told_to(tmp_path):
    ended = threading.Event()
    threading.Timer(0.1, ended.set).start()
    watch = Watch()
    assert watch.wait(60, ended)
    watch.follow([tmp_path])
    assert watch.wait(60, ended)


def test_the_supervisor_steps_when_something_is_there_and_not_only_when_the_clock_says(tmp_path):
    watch, stepped = Watch(), threading.Event()
    watch.follow([tmp_path])
    watch.look()
    follower = supervisor.Supervisor(stepped.set, 600, watch)
    assert not stepped.wait(0.3)
    job_folder.add_shard(tmp_path, [{}])
    assert stepped.wait(30)
    follower.stop()
