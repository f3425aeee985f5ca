DROP TABLE demographics, validity_reports, delivery_outcomes, assessment_scores, score_events, developer_scores,
    calibration_promotions, calibrations;
DROP FUNCTION scoring_append_only();
