// The live lines and the table at the end.
#ifndef DISPLAY_HPP
#define DISPLAY_HPP

#include "feed.hpp"

class Display {
public:
    // Starts the clock and prints the title.
    Display(const duochain::Node &node, Verifier &verifier, const Options &options);

    // Draws until everything is final, or a thread has failed and says why when it is stopped. Keeps a fault
    // when what was sent does not become final for `patience`.
    void until_final(const Feed &feed, std::chrono::seconds patience);

    // The table and the verdict; true when all is well.
    bool table(const std::array<duo_head, 2> &heads, std::uint64_t sent);

private:
    using Clock = std::chrono::steady_clock;

    void draw();
    void note_stall(std::chrono::seconds patience);
    std::uint64_t queued(duochain::Chain chain) const;

    const duochain::Node &node_;
    Verifier &verifier_;
    bool terminal_;
    bool drawn_ = false;
    Clock::time_point started_;
    Clock::time_point finished_;
    Clock::time_point last_draw_;
    std::array<std::uint64_t, 2> last_{};
    std::vector<std::string> faults_;
};

#endif
