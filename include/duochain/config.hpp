// Keys and values for nodes and managed pools.
#ifndef DUOCHAIN_CONFIG_HPP
#define DUOCHAIN_CONFIG_HPP

#include "core.hpp"

#include <string>
#include <string_view>

namespace duochain {

// Keys and values for a node.
class Config : public detail::Owner<duo_config, duo_config_destroy> {
public:
    Config() : Owner(detail::made<duo_config>(duo_config_create)) {}

    Config &set(const std::string &key, std::string_view value) {
        check(duo_config_set(get(), key.c_str(), value.data(), value.size()));
        return *this;
    }
    std::string get_value(const std::string &key) const {
        return *detail::sized<std::string>(
            [&](char *buf, std::size_t cap, std::size_t *len) {
                return duo_config_get(get(), key.c_str(), buf, cap, len);
            },
            1);
    }
    Config &load_file(const std::string &path) {
        check(duo_config_load_file(get(), path.c_str()));
        return *this;
    }
    Config &load_toml(std::string_view text) {
        check(duo_config_load_toml(get(), text.data(), text.size()));
        return *this;
    }
    void validate() const { check(duo_config_validate(get())); }
};

} // namespace duochain

#endif
