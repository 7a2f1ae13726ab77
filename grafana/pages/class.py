"""A class: how far the students are that share it. For whoever teaches; docs/instructor.md."""

from panels import bars, page, stat, timeseries

PASSED, HINTS = "workshop_exercise_passed", "workshop_exercise_hints"
OF_STUDENT = f"sum by (student) ({PASSED})"

PAGE = page("class", "Class", "For whoever teaches: how far the students are that share it (./workshop share).", [
    [
        stat("Laptops that answer", "short", {"laptops": 'sum(up{job="class"}) or vector(0)'},
             """Shows how many laptops of class.txt answered the last scrape. Normal: all that share. Otherwise:
             ./workshop class names those that do not; a closed lid and a firewall are the usual reasons."""),
        stat("Laptops that do not", "short", {"laptops": 'count(up{job="class"}) - sum(up{job="class"}) or vector(0)'},
             """Shows how many laptops of class.txt did not answer. Normal: 0. Otherwise: ./workshop class names them.""",
             limits={1: "orange"}),
        stat("Exercises passed, on average", "short", {"a student": f"avg({OF_STUDENT})"},
             """Shows the mean over all students. Normal: it rises by one in about a quarter of an hour. Otherwise: see
             below in which exercise most of them are.""", decimals=1),
        stat("The one who is furthest, and the last", "short", {"furthest": f"max({OF_STUDENT})", "last": f"min({OF_STUDENT})"},
             """Shows how far apart the class is. Normal: up to four exercises. Otherwise: let the quick ones help, or give
             them the game day.""", graph=False),
    ],
    [
        bars("Who has passed what", "short", {"{{exercise}}": f"sum by (exercise) ({PASSED})"},
             """Shows how many students have passed each exercise. Normal: a slope. Otherwise: a cliff is an exercise
             that holds everybody up: say a word about it to all.""", height=12, decimals=0),
        bars("Where hints are asked for", "short", {"{{exercise}}": f"sum by (exercise) ({HINTS})"},
             """Shows the hints given in each exercise. Normal: one or two a student. Otherwise: where it stands out,
             explain before they begin.""", height=12, decimals=0),
    ],
    [
        bars("How far each is", "short", {"{{student}}": OF_STUDENT},
             """Shows the exercises that each student has passed. Normal: all grow. Otherwise: go to those who are last, and
             ask what they see.""", height=22, decimals=0),
        bars("Passed in the last 20 minutes", "short", {
            "{{student}}": f"{OF_STUDENT} - (sum by (student) ({PASSED} offset 20m) or 0 * {OF_STUDENT})",
        }, """Shows what each student has passed lately. Normal: one or two. Otherwise: 0 means stuck, or at coffee.""",
             limits={1: "green"}, color_below="orange", height=22, decimals=0),
    ],
    [
        timeseries("Exercises passed, all together", "short", {"passed": f"sum({PASSED})", "hints": f"sum({HINTS})"},
                   """Shows the whole class over time. Normal: it rises steadily. Otherwise: a plateau is a break, or an
                   exercise that holds everybody up."""),
    ],
])
