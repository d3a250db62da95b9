/* Results, errors and exceptions: what is told, what is kept, what does not compile. */
#include "check.hpp"

#include <type_traits>

namespace {

/* What lends from a temporary would dangle. */
template <class T, class = void> struct lends_message : std::false_type {};
template <class T>
struct lends_message<T, std::void_t<decltype(std::declval<T>().message())>> : std::true_type {};
static_assert(lends_message<lsm::Error &>::value && lends_message<const lsm::Error &>::value);
static_assert(!lends_message<lsm::Error>::value && !lends_message<const lsm::Error>::value);

/* A Result<bool> must not be taken for its bool. */
static_assert(!std::is_convertible_v<lsm::Result<bool>, bool>);
static_assert(!std::is_constructible_v<bool, lsm::Result<bool>>);

static_assert(!std::is_copy_constructible_v<lsm::Error>);
static_assert(std::is_nothrow_move_constructible_v<lsm::Error>);
static_assert(std::is_nothrow_move_assignable_v<lsm::Error>);

void errors_say_what_happened(const std::string &path) {
    auto missing = lsm::Db::open(path + "/none", [] {
        lsm::Options options;
        options.must_exist = true;
        return options;
    }());
    FAILS(missing, InvalidArgument);
    CHECK(std::string(missing.error().message()).find("none") != std::string::npos);
    CHECK(!missing.error().is_retryable() && !missing.error().maybe_committed());
    CHECK(!missing.error().offset().has_value());
    CHECK(lsm::name(missing.status()) == "LSM_INVALID_ARGUMENT");

    std::FILE *file = std::fopen((path + "/file").c_str(), "w");
    CHECK(file != nullptr && std::fclose(file) == 0);
    auto below = lsm::Db::open(path + "/file/below");
    FAILS(below, Io);
    CHECK(below.error().os_code() != 0);
    CHECK(below.error().path().find(path) == 0);
}

void a_locked_database_may_be_tried_again(const std::string &path) {
    auto db = MUST(lsm::Db::open(path + "/locked"));
    auto second = lsm::Db::open(path + "/locked");
    FAILS(second, Locked);
    CHECK(second.error().is_retryable());
}

void errors_move() {
    auto failed = lsm::Db().sync();
    FAILS(failed, InvalidArgument);
    lsm::Error taken = std::move(failed).error();
    CHECK(taken.status() == lsm::Status::InvalidArgument);
    lsm::Error other;
    CHECK(other.status() == lsm::Status::Ok);
    other = std::move(taken);
    CHECK(std::string(other.message()).find("NULL") != std::string::npos);
    /* What was moved from is safe to look at. */
    CHECK(std::string(taken.message()) == "there is no error");
    CHECK(taken.path().empty() && taken.os_code() == 0);
}

void a_failed_result_has_an_empty_value() {
    auto failed = lsm::Db().get("key");
    CHECK(!failed.ok() && !failed->has_value());
    lsm::Result<lsm::Db> none = lsm::Db::open("");
    CHECK(!none.ok());
    FAILS(none->put("key", "value"), InvalidArgument);
    FAILS((*none).get("key"), InvalidArgument);
}

#if LSM_HPP_EXCEPTIONS
void what_is_thrown_is_the_error(const std::string &path) {
    auto db = lsm::Db::open(path + "/thrown").or_throw();
    db.put("key", "value").or_throw();
    db.sync().or_throw();
    CHECK(db.get("key").or_throw()->str() == "value");
    try {
        lsm::Db::open(path + "/thrown").or_throw();
        CHECK(false && "it is open already");
    } catch (const lsm::Exception &exception) {
        CHECK(exception.status() == lsm::Status::Locked);
        CHECK(std::string(exception.what()) == exception.error().message());
    }
}

void an_exception_can_be_copied() {
    std::exception_ptr kept;
    try {
        lsm::Db().flush().or_throw();
    } catch (const std::runtime_error &) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const lsm::Exception &caught) {
        const lsm::Exception copy = caught;
        kept = nullptr;
        CHECK(copy.error().status() == lsm::Status::InvalidArgument);
        CHECK(std::string(copy.error().message()) == copy.what());
    }
}
#endif

}  // namespace

int main(int, char **argv) {
    errors_say_what_happened(argv[1]);
    a_locked_database_may_be_tried_again(argv[1]);
    errors_move();
    a_failed_result_has_an_empty_value();
#if LSM_HPP_EXCEPTIONS
    what_is_thrown_is_the_error(argv[1]);
    an_exception_can_be_copied();
#endif
    return 0;
}
