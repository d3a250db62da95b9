module lsm.example/tour

go 1.19
