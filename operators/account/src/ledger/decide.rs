//! What an entry does to a balance: a pure function, the same for every database.

use crate::{Amount, api::Direction};

/// How low a balance may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// As low as numbers go.
    None,
    /// Not below this.
    AtLeast(Amount),
}

/// The balance after an entry, or why there is to be no such entry.
///
/// ```
/// use kubewright_account::{Amount, Direction, ledger::{Limit, decide}};
///
/// let limit = Limit::AtLeast(Amount::ZERO);
/// assert_eq!(decide(Amount(5), Direction::Deduct, Amount(5), limit), Ok(Amount(0)));
/// assert!(decide(Amount(5), Direction::Deduct, Amount(6), limit).is_err());
/// ```
///
/// # Errors
/// What is shown to whoever asked for it.
pub fn decide(balance: Amount, direction: Direction, amount: Amount, limit: Limit) -> Result<Amount, String> {
    let out_of_range = |word| format!("{word} {amount} would take the balance of {balance} out of range");
    match direction {
        Direction::Recharge => balance.checked_add(amount).ok_or_else(|| out_of_range("adding")),
        Direction::Deduct => {
            let after = balance.checked_sub(amount).ok_or_else(|| out_of_range("deducting"))?;
            match limit {
                Limit::AtLeast(least) if after < least => Err(format!(
                    "the balance of {balance} does not allow to deduct {amount}: it may not get below {least}; \
                     recharge the account, or raise spec.credit of the Account"
                )),
                _ => Ok(after),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_CREDIT: Limit = Limit::AtLeast(Amount::ZERO);

    #[test]
    fn a_recharge_adds_and_a_deduction_takes() {
        assert_eq!(decide(Amount(1), Direction::Recharge, Amount(2), NO_CREDIT), Ok(Amount(3)));
        assert_eq!(decide(Amount(3), Direction::Deduct, Amount(2), NO_CREDIT), Ok(Amount(1)));
    }

    #[test]
    fn the_limit_is_where_deductions_end() {
        let credit = Limit::AtLeast(Amount(-10));
        assert_eq!(decide(Amount(0), Direction::Deduct, Amount(10), credit), Ok(Amount(-10)));
        assert!(decide(Amount(0), Direction::Deduct, Amount(11), credit).is_err());
        assert_eq!(decide(Amount(0), Direction::Deduct, Amount(11), Limit::None), Ok(Amount(-11)));
    }

    #[test]
    fn a_balance_below_a_limit_that_was_lowered_can_be_recharged() {
        assert_eq!(decide(Amount(-10), Direction::Recharge, Amount(3), NO_CREDIT), Ok(Amount(-7)));
    }

    #[test]
    fn nothing_wraps_around() {
        assert!(decide(Amount::MAX, Direction::Recharge, Amount(1), NO_CREDIT).is_err());
        assert!(decide(Amount(i64::MIN), Direction::Deduct, Amount(1), Limit::None).is_err());
        assert!(decide(Amount(-2), Direction::Deduct, Amount::MAX, Limit::None).is_err());
    }
}
