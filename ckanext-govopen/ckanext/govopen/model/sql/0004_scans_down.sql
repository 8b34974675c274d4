DROP TABLE govopen_scan_allowance, govopen_scan_clearance, govopen_scan_hit, govopen_scan;
