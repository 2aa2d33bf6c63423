broker_password = "Am8er-Harbour-46"
