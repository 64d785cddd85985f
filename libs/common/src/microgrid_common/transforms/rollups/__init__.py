"""Roll-ups: what the points of a metric add up to in five minutes, an hour, a day, and in kilowatt-hours.

Five minutes are summed up from their own points alone, so that a late point changes one summary and no
other. What lies between two summaries, the line from the last point of one to the first of the next, is
drawn when they are put side by side. Hours are added up from five-minute figures, days from hours.

Every figure is a function of the set of points: their order of arrival, repetition and delay change nothing,
to the last bit. Times are whole milliseconds since 1970, which add up exactly.
"""
