//! Sums of JSON numbers.

use crate::error::{ErrorCode, SyncError};
use compact_str::CompactString;

/// Adds two JSON numbers: integers exactly, others as JavaScript does, and prints the sum as it does; None where it is not
/// finite. The third argument says that both are integers. It is [`add`], or the host's own: where that is JavaScript, what
/// reads and prints numbers would be a tenth of all code.
pub type Add = fn(&str, &str, bool) -> Option<String>;

/// Integers with more digits are not added. (npm/synced-memory/src/mirror.ts refuses them, too.)
const MAX_DIGITS: usize = 37;

/// `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: &str = "9007199254740991";

/// `a + b`, as `add` has it. Error: [`ErrorCode::NotANumber`] where one is no number, or the sum is not one that can be
/// stored.
pub(crate) fn sum(a: &str, b: &str, add: Add) -> Result<CompactString, SyncError> {
    let (digits_of_a, digits_of_b) = (digits(a), digits(b));
    if !is_number(digits_of_a) || !is_number(digits_of_b) {
        return Err(not_a_number("there is no number to add to, or none to add"));
    }
    let are_integers = is_integer(a) && is_integer(b);
    if are_integers && digits_of_a.len().max(digits_of_b.len()) > MAX_DIGITS {
        return Err(not_a_number("the integer has too many digits"));
    }
    let sum = add(a, b, are_integers).ok_or_else(|| not_a_number("the sum is not a finite number"))?;
    // Without an exponent it would be read as an integer of so many digits, and not as what was added.
    Ok(if !are_integers && is_integer(&sum) && is_unsafe(digits(&sum)) { exponential(&sum) } else { sum }.into())
}

/// [`Add`] in Rust.
pub fn add(a: &str, b: &str, are_integers: bool) -> Option<String> {
    if are_integers {
        return Some((a.parse::<i128>().ok()? + b.parse::<i128>().ok()?).to_string());
    }
    let sum: f64 = a.parse::<f64>().ok()? + b.parse::<f64>().ok()?;
    sum.is_finite().then(|| shortest(sum))
}

fn digits(lexeme: &str) -> &str {
    lexeme.strip_prefix('-').unwrap_or(lexeme)
}

fn is_number(digits: &str) -> bool {
    digits.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

fn is_integer(lexeme: &str) -> bool {
    !lexeme.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Is the integer greater than those that a float has all of?
fn is_unsafe(digits: &str) -> bool {
    (digits.len(), digits) > (MAX_SAFE.len(), MAX_SAFE)
}

/// The integer in the notation of floats, as JavaScript and Python print it.
fn exponential(lexeme: &str) -> String {
    let digits = digits(lexeme);
    let sign = &lexeme[..lexeme.len() - digits.len()];
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}e+{}", digits.len() - 1)
}

/// The shortest text that means this number, as JavaScript prints it.
fn shortest(number: f64) -> String {
    if number == 0.0 {
        // Minus zero, too.
        return "0".into();
    }
    // The same digits, but laid out in another way.
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // Where the point is, counted from the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    let text = if (count..=21).contains(&point) {
        format!("{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, part) = split(point);
        format!("{whole}.{part}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{:+}", point - 1)
    };
    if number < 0.0 { format!("-{text}") } else { text }
}

fn not_a_number(message: &'static str) -> SyncError {
    SyncError::new(ErrorCode::NotANumber, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_shortest_text_means_the_number(bits: u64) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let text = shortest(number);
                proptest::prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), (number + 0.0).to_bits());
                // As Rust prints it, but for the notation.
                let digits = |text: &str| {
                    let mantissa = text.split('e').next().unwrap_or_default().replace(['.', '-'], "");
                    mantissa.trim_matches('0').to_owned()
                };
                proptest::prop_assert_eq!(digits(&text), digits(&format!("{number:e}")));
            }
        }
    }

    #[test]
    fn sums() {
        for (a, b, expected) in [
            ("1", "2", "3"),
            ("-0", "0", "0"),
            ("9007199254740993", "1", "9007199254740994"),
            ("-12345678901234567890", "1", "-12345678901234567889"),
            ("-9999999999999999999999999999999999999", "-1", "-10000000000000000000000000000000000000"),
            ("1.0", "1", "2"),
            ("0.1", "0.2", "0.30000000000000004"),
            ("1e21", "0.5", "1e+21"),
            ("1e20", "0", "1e+20"),
            ("-12345678901234567890", "0.5", "-1.2345678901234567e+19"),
            ("9007199254740991.0", "0", "9007199254740991"),
            ("9007199254740991.0", "1", "9.007199254740992e+15"),
            ("123456789012345678e0", "0", "1.2345678901234568e+17"),
            ("123e-20", "0", "1.23e-18"),
            ("1e-7", "0", "1e-7"),
            ("1.5e-6", "0", "0.0000015"),
            ("-1234.5", "0", "-1234.5"),
            ("-0.0", "0", "0"),
            ("5e-324", "0.0", "5e-324"),
        ] {
            assert_eq!(sum(a, b, add).unwrap(), expected, "{a} + {b}");
        }
        let huge = "9".repeat(38);
        for (a, b) in
            [("1e308", "1e308"), ("1e400", "1"), ("NaN", "1"), ("-Infinity", "1"), ("\"1\"", "1"), ("null", "1")]
                .into_iter()
                .chain([(huge.as_str(), "1"), ("1", "true")])
        {
            assert_eq!(sum(a, b, add).unwrap_err().code, ErrorCode::NotANumber, "{a} + {b}");
        }
    }
}
