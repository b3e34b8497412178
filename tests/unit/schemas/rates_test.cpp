#include "schemas/rates.h"

#include <gtest/gtest.h>

#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

RateTable table() {
  RateTable made;
  made.rates_ppm = {{"EUR", 1'080'000}, {"JPY", 6'700}};
  return made;
}

TEST(RateTable, ConvertsTheAccountingCurrencyAsItIsAndOthersByTheirRate) {
  EXPECT_EQ(conversion_ppm(table(), "USD"), ppm_one);
  EXPECT_EQ(conversion_ppm(table(), "JPY"), 6'700);
  EXPECT_EQ(conversion_ppm(table(), "GBP"), std::nullopt);
}

TEST(RateTable, IsRefusedOutsideItsBoundsNamingTheField) {
  EXPECT_TRUE(check_rates(table()));
  const auto refused = [](auto spoil) {
    RateTable wrong = table();
    spoil(wrong);
    const Status status = check_rates(wrong);
    EXPECT_FALSE(status);
    EXPECT_FALSE(status.error().remedy.empty());
    return status.error().field;
  };
  EXPECT_EQ(refused([](RateTable& t) { t.accounting_currency = "usd"; }), "accounting_currency");
  EXPECT_EQ(refused([](RateTable& t) { t.rates_ppm["EURO"] = 1; }), "rates");
  EXPECT_EQ(refused([](RateTable& t) { t.rates_ppm["USD"] = ppm_one; }), "rates.USD");
  EXPECT_EQ(refused([](RateTable& t) { t.rates_ppm["EUR"] = 0; }), "rates.EUR");
  EXPECT_EQ(refused([](RateTable& t) { t.rates_ppm["EUR"] = limits::rate_ppm_max + 1; }),
            "rates.EUR");
  EXPECT_EQ(refused([](RateTable& t) {
              for (char a = 'A'; a <= 'P'; ++a) {
                for (char b = 'A'; b <= 'P'; ++b) t.rates_ppm[std::string{'X', a, b}] = 1;
              }
            }),
            "rates");
}

}  // namespace
}  // namespace tradewind
