DROP TABLE IF EXISTS patient;
CREATE TABLE patient
(
    stayid INT NOT NULL PRIMARY KEY,
    uniquepid VARCHAR(10) NOT NULL,
    gender VARCHAR(10) NOT NULL,
    age INT NOT NULL,
    admittime TIMESTAMP(0) NOT NULL,
    dischargetime TIMESTAMP(0)
) ;

DROP TABLE IF EXISTS lab;
CREATE TABLE lab
(
    labid INT NOT NULL PRIMARY KEY,
    stayid INT NOT NULL,
    labname VARCHAR(40) NOT NULL,
    labresult NUMERIC(11,4) NOT NULL,
    resulttime TIMESTAMP(0) NOT NULL,
    FOREIGN KEY(stayid) REFERENCES patient(stayid)
) ;

DROP TABLE IF EXISTS medication;
CREATE TABLE medication
(
    medicationid INT NOT NULL PRIMARY KEY,
    stayid INT NOT NULL,
    drugname VARCHAR(60) NOT NULL,
    route VARCHAR(20) NOT NULL,
    starttime TIMESTAMP(0) NOT NULL,
    FOREIGN KEY(stayid) REFERENCES patient(stayid)
) ;
