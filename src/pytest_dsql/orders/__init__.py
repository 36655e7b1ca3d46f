"""Every order in which the statements of several sessions can come, each tried: do they hold, are they serial?"""
