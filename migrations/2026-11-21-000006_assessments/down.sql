DROP TABLE booking_hosts;
DROP TABLE bookings;
DROP TABLE assessments;
DROP TABLE assessor_time_off;
DROP TABLE assessor_tracks;
DROP TABLE assessors;
DROP EXTENSION btree_gist;
