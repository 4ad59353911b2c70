//! Comma-separated values (RFC 4180): what spreadsheets read and write.

use thiserror::Error;

/// A record, with the number of the line it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Counted from 1, as editors do.
    pub line: usize,
    /// Its cells as they stand there, without the quotes around them.
    pub cells: Vec<String>,
}

/// Why a text can not be read, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CsvError {
    /// A quoted cell has no end.
    #[error("Line {0}: a quotation mark opens a cell that is never closed.")]
    Open(usize),
    /// Something follows the end of a quoted cell.
    #[error("Line {0}: a cell goes on after its closing quotation mark; write \"\" for one inside a cell.")]
    AfterQuote(usize),
}

/// Reads all records; empty lines are left out. The cells are separated by whichever of comma,
/// semicolon and tab the first line has most of, for spreadsheets follow the country.
///
/// # Errors
/// A quoted cell does not end where it should.
pub fn parse(text: &str) -> Result<Vec<Record>, CsvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let separator = separator(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    let mut reader = Reader { line: 1, record: Record { line: 1, cells: Vec::new() }, cell: String::new() };
    let mut records = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if reader.cell.trim().is_empty() => {
                let opened = reader.line;
                reader.cell.clear();
                loop {
                    match letters.next() {
                        None => return Err(CsvError::Open(opened)),
                        Some('"') if letters.peek() == Some(&'"') => {
                            letters.next();
                            reader.cell.push('"');
                        }
                        Some('"') => break,
                        Some(other) => {
                            reader.line += usize::from(other == '\n');
                            reader.cell.push(other);
                        }
                    }
                }
                while letters.next_if(|after| *after == ' ' || *after == '\r').is_some() {}
                if letters.peek().is_some_and(|after| *after != '\n' && *after != separator) {
                    return Err(CsvError::AfterQuote(reader.line));
                }
            }
            '\r' if letters.peek().is_none_or(|after| *after == '\n') => {}
            '\n' => {
                reader.end_record(&mut records);
                reader.line += 1;
                reader.record.line = reader.line;
            }
            letter if letter == separator => reader.end_cell(),
            letter => reader.cell.push(letter),
        }
    }
    reader.end_record(&mut records);
    Ok(records)
}

struct Reader {
    line: usize,
    record: Record,
    cell: String,
}

impl Reader {
    fn end_cell(&mut self) {
        self.record.cells.push(std::mem::take(&mut self.cell));
    }

    fn end_record(&mut self, records: &mut Vec<Record>) {
        self.end_cell();
        let cells = std::mem::take(&mut self.record.cells);
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            records.push(Record { line: self.record.line, cells });
        }
    }
}

fn separator(first: &str) -> char {
    let count = |separator: char| first.matches(separator).count();
    let most = [',', ';', '\t'].into_iter().rev().max_by_key(|separator| count(*separator));
    most.unwrap_or(',')
}

/// One line for spreadsheets, with its end. A cell that they would take for a formula gets an
/// apostrophe before it.
#[must_use]
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    // A number below zero is what it says.
    let is_number = text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    let is_formula = is_formula && (!is_number || text.len() == 1);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', ';', '\n', '\r', '\t']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        parse(text).unwrap().into_iter().map(|record| (record.line, record.cells)).collect()
    }

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn records_know_the_line_they_begin_on() {
        let text = "\u{feff}host,note\r\n\r\nvm3,\"two\ndisks, \"\"old\"\"\"\r\nvm4,\n";
        assert_eq!(
            read(text),
            [(1, cells(&["host", "note"])), (3, cells(&["vm3", "two\ndisks, \"old\""])), (5, cells(&["vm4", ""])),]
        );
        assert!(read("").is_empty() && read("\n , \n").is_empty());
    }

    #[test]
    fn the_first_line_tells_what_separates() {
        assert_eq!(read("host;note\nvm3;a, b"), [(1, cells(&["host", "note"])), (2, cells(&["vm3", "a, b"]))]);
        assert_eq!(read("host\tnote\nvm3\ta;b")[1].1, cells(&["vm3", "a;b"]));
        assert_eq!(read("host\nvm3")[1].1, cells(&["vm3"]));
    }

    #[test]
    fn a_quotation_mark_that_goes_wrong_is_told_with_its_line() {
        assert_eq!(parse("host\n\"vm3\nvm4"), Err(CsvError::Open(2)));
        assert_eq!(parse("host\nvm2\n\"vm3\"x"), Err(CsvError::AfterQuote(3)));
        assert_eq!(read("a 19\" rack,b"), [(1, cells(&["a 19\" rack", "b"]))]);
    }

    #[test]
    fn a_spreadsheet_never_meets_a_formula() {
        for (text, written) in [
            ("=1+1", "'=1+1\r\n"),
            ("+49", "'+49\r\n"),
            ("-x", "'-x\r\n"),
            ("-1.5", "-1.5\r\n"),
            ("-", "'-\r\n"),
            ("-1+1", "'-1+1\r\n"),
            ("@SUM(A1)", "'@SUM(A1)\r\n"),
            (" =1", "' =1\r\n"),
            ("\t=1", "\"'\t=1\"\r\n"),
            ("=a,b", "\"'=a,b\"\r\n"),
            ("web-12", "web-12\r\n"),
            ("say \"no\"", "\"say \"\"no\"\"\"\r\n"),
        ] {
            assert_eq!(line([text]), written);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(texts in prop::collection::vec("[a-c=+@;,\"\t\n -]{0,6}", 2..5)) {
            let safe = |text: &String| {
                let formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with('\t');
                if formula { format!("'{text}") } else { text.clone() }
            };
            let header = line(["x"].into_iter().chain(texts.iter().skip(1).map(|_| "x")));
            let read = parse(&format!("{header}{}", line(texts.iter().map(String::as_str)))).unwrap();
            let wanted: Vec<String> = texts.iter().map(safe).collect();
            if wanted.iter().all(|text| text.trim().is_empty()) {
                prop_assert_eq!(read.len(), 1);
            } else {
                prop_assert_eq!(&read[1].cells, &wanted);
            }
        }

        #[test]
        fn no_text_makes_it_stumble(text in "(?s).{0,60}") {
            let _ = parse(&text);
        }
    }
}
