# SPDX-License-Identifier: Apache-2.0
"""The one table of `make bench`. Every part adds its rows, and a row is printed as soon as it is measured."""
import os
import time

started = time.monotonic()


def head():
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{cores} cores, load {load:.1f} at the start, {time.strftime('%Y-%m-%d %H:%M')} UTC\n")
    print("| work | store | measured | beside it | ratio | goal | CPU of the stack, each |")
    print("|---|---|---|---|---|---|---|", flush=True)


def row(work, measured, beside="", ratio="", goal="", cpu="", store=""):
    print(f"| {work} | {store} | {measured} | {beside} | {ratio} | {goal} | {cpu} |", flush=True)


def foot():
    print(f"\n{(time.monotonic() - started) / 60:.1f} minutes, load {os.getloadavg()[0]:.1f} at the end")


def ratio(ours, other):
    return f"{ours / other:.2f}" if other else "none"
