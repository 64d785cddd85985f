"""Energy reports: what a grid generated, used and exchanged in days, weeks or months of its calendar.

Everything follows from days, and a day from its hours: a week, a month and the total add up what their days
are made of. What nobody measured stays unknown, and says why; what was measured for a part of the time is a
lower bound, and says for how much of it.
"""
