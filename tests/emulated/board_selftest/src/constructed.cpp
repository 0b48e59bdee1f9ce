#include "measure.h"

namespace
{

class Term
{
  public:
    explicit Term(int value) : value_(value)
    {
    }
    virtual int value() const
    {
        return value_;
    }

  private:
    int value_;
};

class Doubled : public Term
{
  public:
    explicit Doubled(int value) : Term(value)
    {
    }
    int value() const override
    {
        return 2 * Term::value();
    }
};

volatile int seven = 7;
const Term plain(seven);
const Doubled doubled(seven);
const Term *const terms[] = {&plain, &doubled};

} // namespace

extern "C" int constructed_sum(void)
{
    int sum = 0;
    for (const Term *term : terms) {
        sum += term->value();
    }
    return sum;
}
