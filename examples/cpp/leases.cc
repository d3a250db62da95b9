// Who works on what, settled by conditions, for a time only: leases DIRECTORY
#include <iostream>
#include <lsm.hpp>

// Takes a job that nobody has.
void take(const lsm::Db &jobs, const std::string &job, const std::string &who) {
    lsm::WriteOptions for_an_hour;
    for_an_hour.ttl = std::chrono::hours(1);
    const auto taken = jobs.insert_if_absent(job, who, for_an_hour).or_throw();
    std::cout << who << " takes " << job << ": " << (taken ? "yes" : "no") << "\n";
}

// Hands a job on, if it is still `from` who has it.
void hand_on(const lsm::Db &jobs, const std::string &job, const std::string &from,
             const std::string &to) {
    const auto handed = jobs.compare_and_set(job, from, to).or_throw();
    std::cout << from << " hands " << job << " to " << to << ": " << (handed ? "yes" : "no") << "\n";
}

void run(const lsm::Db &jobs) {
    take(jobs, "job-1", "ada");
    take(jobs, "job-1", "bob");
    hand_on(jobs, "job-1", "ada", "bob");
    hand_on(jobs, "job-1", "ada", "eve");
    // A lease that ends in the past is over at once.
    lsm::WriteOptions past;
    past.expires_at_ms = 1;
    jobs.touch("job-1", past).or_throw();
    take(jobs, "job-1", "eve");
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    auto db = lsm::Db::open(argv[1]).or_throw();
    run(db);
    db.close().or_throw();
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
