//! Sums of JSON numbers.

use crate::error::{ErrorCode, SyncError};
use compact_str::{CompactString, ToCompactString};

/// `a + b`, exact where both are integers, else as JavaScript adds and prints. Error:
/// [`ErrorCode::NotANumber`] where one is no number, or the sum is not one that can be stored.
pub(crate) fn sum(a: &str, b: &str) -> Result<CompactString, SyncError> {
    if !is_number(a) || !is_number(b) {
        return Err(not_a_number("there is no number to add to, or none to add"));
    }
    if is_integer(a) && is_integer(b) {
        let sum = a.parse::<i128>().ok().zip(b.parse().ok()).and_then(|(a, b)| a.checked_add(b));
        return sum.map(|sum| sum.to_compact_string()).ok_or_else(|| not_a_number("the integer has too many digits"));
    }
    let sum = a.parse().unwrap_or(f64::NAN) + b.parse().unwrap_or(f64::NAN);
    if sum.is_finite() { Ok(shortest(sum)) } else { Err(not_a_number("the sum is not a finite number")) }
}

fn is_number(lexeme: &str) -> bool {
    lexeme.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit())
}

fn is_integer(lexeme: &str) -> bool {
    !lexeme.contains(['.', 'e', 'E'])
}

/// The shortest text that means this number, as JavaScript prints it.
fn shortest(number: f64) -> CompactString {
    // The same digits, but laid out in another way.
    let text = serde_json::to_string(&number.abs()).unwrap_or_default();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, part].concat();
    let significant = all.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    let len = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
    // Where the point is, counted from the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + len(whole) - (len(&all) - len(significant));
    let count = len(digits);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    let text = if digits.is_empty() {
        // Minus zero prints as zero.
        return "0".into();
    } else if (count..=21).contains(&point) {
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
    if number < 0.0 { format!("-{text}").into() } else { text.into() }
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
            ("1.0", "1", "2"),
            ("0.1", "0.2", "0.30000000000000004"),
            ("1e21", "0.5", "1e+21"),
            ("1e20", "0", "100000000000000000000"),
            ("123e-20", "0", "1.23e-18"),
            ("1e-7", "0", "1e-7"),
            ("1.5e-6", "0", "0.0000015"),
            ("-1234.5", "0", "-1234.5"),
            ("-0.0", "0", "0"),
            ("5e-324", "0.0", "5e-324"),
        ] {
            assert_eq!(sum(a, b).unwrap(), expected, "{a} + {b}");
        }
        let huge = "9".repeat(40);
        for (a, b) in
            [("1e308", "1e308"), ("1e400", "1"), ("NaN", "1"), ("-Infinity", "1"), ("\"1\"", "1"), ("null", "1")]
                .into_iter()
                .chain([(huge.as_str(), "1"), ("1", "true")])
        {
            assert_eq!(sum(a, b).unwrap_err().code, ErrorCode::NotANumber, "{a} + {b}");
        }
    }
}
