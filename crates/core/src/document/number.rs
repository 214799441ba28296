//! JSON numbers: sums, and integers that JavaScript cannot hold.

use crate::error::{ErrorCode, SyncError};
use compact_str::CompactString;

/// Adds two JSON numbers and prints the sum: integers exactly, others in the way of JavaScript. The third argument says
/// whether both are integers. None where the sum is not finite. Hosts in Rust pass [`add`]; a host in JavaScript passes a
/// function of its own, since code that reads and prints floats would be a tenth of the wasm build.
pub type Add = fn(&str, &str, bool) -> Option<String>;

/// Numbers whose text is longer cannot be read. Programs convert an integer to and from decimal digits in a time that grows
/// with the square of their number; Python refuses integers with more digits than this.
pub const MAX_NUMBER_LEN: usize = 4300;

/// Integers with more digits are not added. (npm/synced-memory/src/mirror/mirror.ts refuses them, too.)
const MAX_DIGITS: usize = 37;

/// `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: &str = "9007199254740991";

/// The text of `a + b`. Error: [`ErrorCode::NotANumber`] where one of them is not a number, an integer has too many digits,
/// or the sum is not finite.
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
    // A float without an exponent would be read as an integer with all of its digits.
    Ok(if !are_integers && is_unsafe_integer(&sum) { exponential(&sum) } else { sum }.into())
}

/// The implementation of [`Add`] in Rust.
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

/// Whether a number is an integer beyond 2^53 - 1 on either side of zero, which JavaScript's numbers do not all hold. A
/// number with a fraction or an exponent is not one, whatever its value.
pub(crate) fn is_unsafe_integer(lexeme: &str) -> bool {
    let digits = digits(lexeme);
    is_integer(lexeme) && (digits.len(), digits) > (MAX_SAFE.len(), MAX_SAFE)
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

/// The shortest text of a number, in the notation that JavaScript prints.
fn shortest(number: f64) -> String {
    if number == 0.0 {
        // Minus zero, too.
        return "0".into();
    }
    // Rust finds the same digits, and prints them in another notation.
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The position of the decimal point, in digits from the first.
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
        fn the_shortest_text_reads_as_the_number(bits: u64) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let text = shortest(number);
                proptest::prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), (number + 0.0).to_bits());
                // The digits are those that Rust prints.
                let digits = |text: &str| {
                    let mantissa = text.split('e').next().unwrap_or_default().replace(['.', '-'], "");
                    mantissa.trim_matches('0').to_owned()
                };
                proptest::prop_assert_eq!(digits(&text), digits(&format!("{number:e}")));
            }
        }
    }

    #[test]
    fn sums_of_integers_are_exact_and_others_as_in_javascript() {
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
