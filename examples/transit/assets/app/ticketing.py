"""@bruin
name: app.ticketing
description: The ticket machines' own database; stands for a system that others run.
@bruin"""

import datetime
import os
import sqlite3
from pathlib import Path

folder = Path(__file__).resolve().parents[2] / "data"
folder.mkdir(exist_ok=True)
last = datetime.date.fromisoformat(os.environ["BRUIN_END_DATE"])
first = datetime.date(2026, 3, 1)

with sqlite3.connect(folder / "ticketing.sqlite") as database:
    database.executescript(
        """
        CREATE TABLE IF NOT EXISTS tickets (
            ticket_id INTEGER PRIMARY KEY, passenger_id INTEGER, sold_at TEXT, zone TEXT, cents INTEGER);
        CREATE TABLE IF NOT EXISTS passengers (
            passenger_id INTEGER PRIMARY KEY, name TEXT, card TEXT, changed_at TEXT);
        """
    )
    for number in range((last - first).days + 1):
        day = first + datetime.timedelta(days=number)
        tickets = [
            (
                number * 100 + n,
                1 + n % 25,
                f"{day} {6 + n % 16:02}:{n % 60:02}:00",
                "ABC"[n % 3],
                150 + n % 3 * 60,
            )
            for n in range(80)
        ]
        database.executemany("INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?)", tickets)
    cards = ("single", "weekly", "monthly")
    passengers = [
        (
            n,
            f"Passenger {n}",
            cards[(n + (last - first).days // 2 * (n % 5 == 0)) % 3],
            f"{last if n % 5 == 0 else first} 00:00:00",
        )
        for n in range(1, 26)
    ]
    database.executemany("INSERT OR REPLACE INTO passengers VALUES (?, ?, ?, ?)", passengers)
print("tickets until", last)
