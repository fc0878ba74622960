// Why something failed, in words.
#ifndef FAULT_HPP
#define FAULT_HPP

#include "duochain.hpp"

// The input, the arguments or the machine is not as it should be: exit status 2.
class Fault : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The words of the exception that is being handled; those of the library without the name of the status.
inline std::string current_fault() {
    try {
        throw;
    } catch (const duochain::Error &error) {
        return std::string(error.what()).substr(std::strlen(duo_status_name(error.status())) + 2);
    } catch (const std::exception &error) {
        return error.what();
    }
}

#endif
