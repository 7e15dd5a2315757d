"""Scenes in words with the kind of passage that they call for, ``(description, kind)``, to measure retrieval with.

Each list tells its first scenes as a person would and its last as a prompt lists facts, none in the words of the
passages.
"""

from __future__ import annotations

TUNING: tuple[tuple[str, str], ...] = (
    ("Slow van in front on a two-lane road, I would like to get past it before the next village.", "overtaking"),
    ("Entering the motorway, the ramp is nearly over and a coach is level with me.", "merging"),
    ("I want to be in the next lane but a car is coming up quickly there.", "lane_change"),
    ("A taxi darts into the tiny space between me and the car ahead.", "cut_in"),
    ("I am tailgating a pick-up at 100 km/h.", "following"),
    ("Bumper to bumper on the ring road, nothing moves.", "queue"),
    ("The car ahead slams on its brakes, I have one second left.", "emergency_braking"),
    ("On this narrow lane someone comes towards me and there is hardly room for two.", "oncoming"),
    ("An old man with a stick hesitates at the edge of the street.", "pedestrian"),
    ("White stripes across the street, a woman with a pram waits beside them.", "crossing"),
    ("A hedge and a row of parked lorries take away my view to the right.", "occlusion"),
    ("A girl on a bike rides in front of me, there is little space to go round her.", "cyclist"),
    ("A scooter filters between the lanes beside me.", "motorcycle"),
    ("A coach is just leaving its stop and shows its indicator.", "truck_bus"),
    ("Blue flashing lights behind me.", "emergency_vehicle"),
    ("The signal shows red and I am 40 m before the line.", "junction_signal"),
    ("I have a stop sign, the cross road has none.", "junction_stop"),
    ("At the next crossroads there are no signs at all and a car comes from my right.", "junction_yield"),
    ("I need to turn left and cars come the other way.", "left_turn"),
    ("Turning right with a cyclist beside my door.", "right_turn"),
    ("I arrive at a roundabout with two cars circling in it.", "roundabout"),
    ("Something lies in the middle of my lane, perhaps a lost load.", "obstacle"),
    ("Workers are repairing the asphalt, one lane is coned off.", "road_works"),
    ("The limit is 50, I am doing 68.", "speed"),
    ("A sharp bend to the left comes up and I am too fast for it.", "curve"),
    ("Nobody around, the road is mine, I crawl along at half the limit.", "free_road"),
    ("Everything is calm, I should just not shake the passengers.", "comfort"),
    (
        "Road: urban. Ego: 12 m/s. Agents: pedestrian 2, front-right, 9 m, crossing from the right at 1.5 m/s.",
        "pedestrian",
    ),
    ("Road: highway, lane 1 of 2. Ego: 26 m/s. Agents: truck 1, front, 22 m, 21 m/s; left lane free.", "overtaking"),
    ("Road: urban, junction in 18 m, signal yellow, stop line 15 m. Ego: 12 m/s. Agents: none.", "junction_signal"),
    (
        "Road: highway, lane ends in 60 m. Ego: 20 m/s. Agents: car 4, rear-left, 10 m, 25 m/s; car 5, left, 2 m.",
        "merging",
    ),
    ("Road: highway. Ego: 28 m/s. Agents: car 2, front, 20 m, 27 m/s, same lane, gap 0.7 s.", "following"),
    ("Road: rural. Ego: 20 m/s. Agents: static obstacle, front, 45 m, in the lane.", "obstacle"),
    ("Road: urban. Ego: 8 m/s. Agents: cyclist 6, right, 2 m, 5 m/s, same direction.", "cyclist"),
    ("Road: highway, dense traffic, all at 3 m/s. Ego: 3 m/s.", "queue"),
    (
        "Road: rural, one lane each way. Ego: 18 m/s. Agents: car 1, oncoming, 40 m, 20 m/s, drifting over the centre.",
        "oncoming",
    ),
    ("Road: urban, stop sign in 10 m. Ego: 7 m/s.", "junction_stop"),
    ("Road: urban. Ego turns left. Agents: car 3, oncoming, 30 m, 12 m/s.", "left_turn"),
    ("Road: urban, parked cars on the right. Ego: 13 m/s. Agents: none visible.", "occlusion"),
    ("Road: highway, 3 lanes, no agents in range. Ego: 20 m/s, limit 33 m/s.", "free_road"),
    ("A child is standing between two parked vans and looks like running for a ball; I do 45 in town.", "pedestrian"),
    ("My view of the pavement is cut off by a delivery van that half blocks my lane.", "occlusion"),
    (
        "There is a tractor crawling in front of me on a two-way country lane and the other side looks empty.",
        "overtaking",
    ),
    ("I am on the slip road and it runs out in eighty metres; the cars on my left do ninety.", "merging"),
    ("Both lanes are packed and mine is closed after the next sign, everybody squeezes to the left.", "merging"),
    ("The car I trail just lit its brake lights at 110 km/h and I am barely a second behind it.", "following"),
    ("Someone from the next lane has just swerved right in front of my bonnet.", "cut_in"),
    ("A cyclist wobbles along at the edge of the lane and I want to get by.", "cyclist"),
    ("A motorbike is sitting in my blind spot while I think about moving over.", "motorcycle"),
    ("A lorry takes up the whole lane ahead and I cannot see past its trailer.", "truck_bus"),
    ("People are getting off the bus at the kerb and some walk round its front.", "truck_bus"),
    ("The lights ahead have just turned yellow and I am thirty metres away at fifty.", "junction_signal"),
    ("My light is green, but the cars beyond the crossroads are not moving at all.", "queue"),
    ("Octagonal red sign at the end of this street, thick hedges on both sides.", "junction_stop"),
    ("I come out of a minor road with a white triangle painted on the ground.", "junction_yield"),
    ("I wait in the middle of the crossroads to go left while a steady stream comes towards me.", "left_turn"),
    (
        "I am about to go right at the corner, and two people are stepping off the kerb of the street I enter.",
        "right_turn",
    ),
    ("Around the island the cars keep coming from my left and I want to get in.", "roundabout"),
    ("A car without lights stands across my half of the road just after the bend.", "obstacle"),
    ("Orange cones push me to the left, men in yellow vests are busy beside the lane.", "road_works"),
    ("The road winds down the hillside and the next bend is much tighter than the last.", "curve"),
    ("Sunday morning, three empty lanes, not a soul in sight, and I am only doing eighty.", "free_road"),
    ("My passengers are sipping coffee, the red light is far away and nobody is near.", "comfort"),
    ("An ambulance with wailing horn is coming up fast in the mirror.", "emergency_vehicle"),
    ("Traffic has ground to a halt, we inch forward a car length at a time.", "queue"),
    (
        "Road: urban street, one lane each way, limit 8.3 m/s. Ego: 9.5 m/s. Agents: pedestrian 4, 14 m "
        "front-right, walking towards the lane at 1.6 m/s, becomes visible beside a parked truck.",
        "occlusion",
    ),
    (
        "Road: highway, lane 1 of 2, limit 30 m/s, lane ends in 110 m. Ego: 22 m/s. Agents: car 2, left, 4 m "
        "behind, 26 m/s; car 3, front-left, 31 m, 25 m/s.",
        "merging",
    ),
    (
        "Road: rural, one lane each way, limit 22 m/s. Ego: 17 m/s. Agents: truck 7, front, 18 m, 14 m/s; car "
        "9, oncoming, 120 m, 21 m/s.",
        "overtaking",
    ),
    ("Road: highway, lane 2 of 3, limit 33 m/s, free ahead. Ego: 21 m/s, no agents within 100 m.", "free_road"),
    (
        "Road: urban, approaching junction in 25 m, signal red, stop line 22 m. Ego: 11 m/s. Agents: none in lane.",
        "junction_signal",
    ),
    (
        "Road: urban, junction in 12 m, stop sign, ego has not stood yet, 6 m/s. Agents: car 3, right, 20 m, "
        "crossing at 10 m/s.",
        "junction_stop",
    ),
    (
        "Road: urban, junction, yield sign 15 m. Ego: 8 m/s. Agents: van from the right 30 m, 12 m/s, on the "
        "major road.",
        "junction_yield",
    ),
    ("Ego intends a left turn at a green light. Agents: car 5, oncoming, 38 m, 13 m/s, going straight.", "left_turn"),
    (
        "Ego intends a right turn. Agents: cyclist 2, rear-right, 5 m, 5 m/s, riding straight on beside the lane.",
        "right_turn",
    ),
    (
        "Road: highway, lane 2 of 2. Ego: 27 m/s. Agents: car 1, front, 12 m, 27 m/s, same lane; gap 0.4 s.",
        "following",
    ),
    (
        "Road: highway. Ego: 25 m/s. Agents: car 6 moves from the right lane into the ego lane 9 m ahead at "
        "19 m/s, time to contact 1.5 s.",
        "cut_in",
    ),
    (
        "Road: urban. Ego: 13 m/s. Agents: car 2, front, 15 m, braking at 7 m/s2, time to collision 1.1 s.",
        "emergency_braking",
    ),
    (
        "Road: urban, one lane each way. Agents: static obstacle, front, 28 m, blocks the lane; car 4, "
        "oncoming, 60 m, 12 m/s.",
        "obstacle",
    ),
    ("Road: rural, limit 25 m/s, curvature 1/60 m ahead in 40 m. Ego: 23 m/s. Agents: none.", "curve"),
    ("Road: urban. Ego: 10 m/s. Agents: cyclist 3, front, 11 m, 4 m/s, same lane; nobody oncoming.", "cyclist"),
    (
        "Road: highway, dense traffic, speed of all vehicles 2 m/s. Ego: 2 m/s. Agents: cars front 5 m, rear "
        "4 m, left 3 m.",
        "queue",
    ),
    (
        "Road: urban, zebra in 20 m. Ego: 12 m/s. Agents: pedestrian 1, front-left, standing at the kerb, "
        "faces the road.",
        "crossing",
    ),
    (
        "Road: highway, lane 1 of 3. Ego: 24 m/s. Agents: motorcycle 8, rear-left, 6 m, 27 m/s, overtaking.",
        "motorcycle",
    ),
    ("Road: highway, left lane closed in 200 m by construction, temporary limit 22 m/s. Ego: 28 m/s.", "road_works"),
    (
        "Road: two lanes in one direction. Ego: 14 m/s, wants the left lane. Agents: car 2, rear-left, 8 m, 19 m/s.",
        "lane_change",
    ),
    (
        "Road: rural, narrow, no centre line. Ego: 15 m/s. Agents: truck 3, oncoming, 70 m, 16 m/s, over the middle.",
        "oncoming",
    ),
    ("Road: urban, limit 13.9 m/s. Ego: 18.2 m/s, 4.3 m/s above the limit. Agents: none near.", "speed"),
    ("Road: urban. Ego: 9 m/s. Agents: bus 2, front, 16 m, standing at its stop, left indicator on.", "truck_bus"),
)
"""The words of the kinds and the constants of BM25 were chosen on these."""

SCENES: tuple[tuple[str, str], ...] = (
    ("I am stuck behind a caravan doing 60 on an A-road, the oncoming lane seems clear for a while.", "overtaking"),
    ("A milk float potters along ahead of me; there is a second lane to my left with nobody in it.", "overtaking"),
    (
        "Coming down the feeder onto the dual carriageway, the main flow is faster than me and tightly spaced.",
        "merging",
    ),
    ("Two lanes shrink to one by the bridge and the cars are supposed to slot in alternately.", "merging"),
    ("I would rather be one lane over, yet a saloon is hovering just off my rear wing.", "lane_change"),
    ("Without warning a hatchback from the right pulls across into the gap I was keeping.", "cut_in"),
    ("The estate car before me is so near that I can read the dealer's name on its number plate.", "following"),
    ("Rush hour: we roll five metres, stop, roll five metres, stop.", "queue"),
    (
        "The vehicle before me has stopped dead and I will hit it in a second unless I do something.",
        "emergency_braking",
    ),
    ("A pick-up coming the other way has strayed onto my side of the centre line.", "oncoming"),
    ("A schoolboy is chasing a dog along the footpath right next to my lane.", "pedestrian"),
    ("A couple waits at the striped crossing and looks at me.", "crossing"),
    ("Because of the hedge at the corner I cannot make out what is around it.", "occlusion"),
    ("Cars line the kerb bumper to bumper and anyone could walk out from the spaces between.", "occlusion"),
    ("Someone on a racing bike is holding the middle of my lane.", "cyclist"),
    ("A moped buzzes up along my left side while I slow for the turn.", "motorcycle"),
    ("The articulated lorry next to me swings out before the tight corner.", "truck_bus"),
    ("A fire engine wants to come through from behind.", "emergency_vehicle"),
    ("The traffic signal flips to amber as I get to it.", "junction_signal"),
    ("The lamps at the crossing of the two avenues are on red and I am still rolling at 40.", "junction_signal"),
    ("At the T there is a stop line with an octagonal sign, and a truck is coming from the left.", "junction_stop"),
    ("Equal roads meet here, no signs, and a red estate approaches on my right-hand side.", "junction_yield"),
    ("I want to swing left through a gap in the cars that come at me.", "left_turn"),
    ("Before I turn right I see a cyclist in the mirror on the inside.", "right_turn"),
    ("The circle ahead has three exits, a van is already going round.", "roundabout"),
    ("A broken-down car with its bonnet open fills my lane.", "obstacle"),
    ("A digger works behind barriers, a man waves a flag, and the carriageway narrows.", "road_works"),
    ("The needle is at 130 where 100 is allowed.", "speed"),
    ("The hairpin comes sooner than I thought.", "curve"),
    ("Late evening, dry tarmac, no other car for miles, and I dawdle.", "free_road"),
    ("Grandmother sits in the back and feels every jolt of the pedal.", "comfort"),
    (
        "Road: urban, 2 lanes, limit 13.9 m/s. Ego 10.2 m/s in lane 1. Agents: pedestrian id 11, front, 17 m, "
        "on the roadway, 1.2 m/s to the left.",
        "pedestrian",
    ),
    (
        "Road: highway, 3 lanes. Ego 29.0 m/s in lane 2. Agents: car id 3, front-right, 8 m, 26 m/s, drifting "
        "left into lane 2; closing 3 m/s.",
        "cut_in",
    ),
    (
        "Road: rural, 2-way. Ego 21 m/s. Agents: bus id 5, front, 30 m, 12 m/s, closing 9 m/s; left lane is "
        "oncoming, car id 6, 90 m, 24 m/s.",
        "overtaking",
    ),
    (
        "Road: highway, acceleration lane, 75 m left. Ego 19 m/s. Agents: car id 2, rear-left, 14 m, 27 m/s.",
        "merging",
    ),
    (
        "Road: urban, signal green, junction 30 m. Ego 11 m/s turning left. Agents: car id 4, oncoming, 50 m, 12 m/s.",
        "left_turn",
    ),
    (
        "Road: urban. Ego 7 m/s. Agents: static id 9, front, 19 m, blocks the lane; left lane is oncoming and free.",
        "obstacle",
    ),
    ("Road: urban. Ego 12 m/s. Agents: cyclist id 8, front-right, 12 m, 5 m/s, riding along the edge.", "cyclist"),
    ("Road: highway. Ego 31 m/s, limit 36 m/s. Agents: none in view.", "free_road"),
    ("Road: urban, yield sign 8 m. Ego 5 m/s. Agents: car id 2, left, 25 m, 13 m/s, crossing.", "junction_yield"),
    (
        "Road: highway, 2 lanes. Ego 26 m/s. Agents: car id 7, front, 25 m, 20 m/s, braking at 6 m/s2, time "
        "to collision 2.1 s.",
        "emergency_braking",
    ),
    (
        "Road: urban, zebra crossing 24 m. Ego 13 m/s. Agents: pedestrian id 2, right, 2 m from the kerb, "
        "walking to it.",
        "crossing",
    ),
)
"""Written after that, and measured once: not to be tuned against. Move them up and write others if you have to."""
