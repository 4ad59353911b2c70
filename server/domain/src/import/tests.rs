#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::csv;
use proptest::prelude::*;

/// Made for nothing else: what the plan of a list leaves, stored.
fn applied(stored: &Inventory, plan: &Plan) -> Inventory {
    fn put<T: Clone, K: PartialEq>(into: &mut Vec<T>, steps: &[Step<T>], key: impl Fn(&T) -> K) {
        for step in steps {
            match into.iter_mut().find(|thing| key(thing) == key(&step.after)) {
                Some(thing) => *thing = step.after.clone(),
                None => into.push(step.after.clone()),
            }
        }
    }
    let mut after = stored.clone();
    put(&mut after.hosts, &plan.hosts, |host| host.id);
    put(&mut after.data_sets, &plan.data_sets, |data_set| data_set.id);
    put(&mut after.jobs, &plan.jobs, |job| job.id);
    after
}

fn planned(stored: &Inventory, text: &str) -> Plan {
    let lines = lines(csv::parse(text).unwrap()).unwrap();
    let mut next = 1000 * (1 + stored.hosts.len() + stored.data_sets.len() + stored.jobs.len()) as u128;
    plan(stored, &lines, &mut || {
        next += 1;
        Uuid::from_u128(next)
    })
}

const NORTHWIND: &str = "\
host,runs_on,note,owner,data_set,kind,job,tool,carried_by,every,max_duration
web-12,vm3,Two shops,Web team,files,files,nightly,borgmatic,,24 h,6 h
web-12,,,,shop,database,dump,pg_dump,nightly,24 h,1 h
vm3,,Rack 4,,,,,,,,
";

fn northwind() -> Inventory {
    let plan = planned(&Inventory::default(), NORTHWIND);
    assert_eq!(plan.errors, []);
    applied(&Inventory::default(), &plan)
}

fn told(stored: &Inventory, text: &str) -> Vec<String> {
    let told = |change: Change| {
        let field = |f: &FieldChange| match &f.before {
            Some(before) => format!("{} {before:?}→{:?}", f.column, f.after),
            None => format!("{} {:?}", f.column, f.after),
        };
        let fields: Vec<String> = change.fields.iter().map(field).collect();
        let verb = if change.is_new { "add" } else { "change" };
        format!("{} {verb} {} {}: {}", change.line, change.what, change.place, fields.join(", "))
    };
    planned(stored, text).changes(stored).into_iter().map(told).collect()
}

fn errors(stored: &Inventory, text: &str) -> Vec<String> {
    let told = |e: LineError| format!("{} {}: {}", e.line, e.column, e.message);
    match lines(csv::parse(text).unwrap()) {
        Err(errors) => errors.into_iter().map(told).collect(),
        Ok(_) => planned(stored, text).errors.into_iter().map(told).collect(),
    }
}

#[test]
fn an_empty_inventory_gets_all_of_it() {
    assert_eq!(
        told(&Inventory::default(), NORTHWIND),
        [
            r#"2 add host web-12: runs_on "vm3", note "Two shops", owner "Web team""#,
            r#"2 add data set web-12 · files: kind "files""#,
            r#"2 add job web-12 · files: nightly: tool "borgmatic", every "24 h", max_duration "6 h""#,
            r#"3 add data set web-12 · shop: kind "database""#,
            "3 add job web-12 · shop: dump: tool \"pg_dump\", carried_by \"web-12 · files: nightly\", every \"24 h\", \
             max_duration \"1 h\"",
            r#"4 add host vm3: note "Rack 4""#,
        ]
    );
    let plan = planned(&Inventory::default(), NORTHWIND);
    let order: Vec<&str> = plan.hosts.iter().map(|step| step.after.name.as_str()).collect();
    assert_eq!(order, ["vm3", "web-12"]);
}

#[test]
fn the_same_list_again_changes_nothing() {
    let stored = northwind();
    assert!(told(&stored, NORTHWIND).is_empty());
    assert_eq!(planned(&stored, NORTHWIND).left_alone(), 6);
}

#[test]
fn an_empty_cell_leaves_what_is_stored_and_another_changes_it() {
    let stored = northwind();
    let list = "HOST;Data Set;job;every\nWeb-12;FILES;Nightly;12 h\nvm4;;;\n";
    assert_eq!(
        told(&stored, list),
        [r#"2 change job web-12 · files: nightly: every "24 h"→"12 h""#, "3 add host vm4: "]
    );
    let moved = "host,runs_on\nvm3,vm4\nvm4,\n";
    assert_eq!(told(&stored, moved), [r#"2 change host vm3: runs_on ""→"vm4""#, "3 add host vm4: "]);
}

#[test]
fn what_is_not_in_the_list_stays() {
    let stored = northwind();
    let after = applied(&stored, &planned(&stored, "host\nnew-1\n"));
    assert_eq!(after.hosts.len(), 3);
    assert_eq!((after.data_sets, after.jobs), (stored.data_sets, stored.jobs));
}

#[test]
fn each_mistake_is_told_with_its_line() {
    let stored = northwind();
    for (list, wrong) in [
        ("", "1 host: There is nothing here. The first line names the columns."),
        (
            "name\nvm3",
            "1 host: “name” is not a column; the columns are host, runs_on, note, owner, data_set, kind, job, tool, carried_by, every, max_duration.",
        ),
        ("host,host\nvm3,vm3", "1 host: The column host is there twice."),
        ("note\nx", "1 host: The column host is missing."),
        ("host,note\nvm3,a,b", "2 host: This line has 3 cells, but there are 2 columns."),
        ("host,note\n,x", "2 host: This must not be empty."),
        ("host,runs_on\na,\n\nb,c", "4 runs_on: There is no host “c”, neither here nor in this list."),
        ("host,runs_on\nvm3,VM3", "2 runs_on: A host can not run on itself."),
        ("host,runs_on\nvm3,web-12", "2 runs_on: web-12 runs on this host already, directly or through others."),
        ("host,runs_on\na,b\nb,a", "3 runs_on: a runs on this host already, directly or through others."),
        ("host,note\nvm3,x\nvm3,y", "3 note: Line 2 says “x” here. Say the same in both, or leave one empty."),
        ("host,kind\nvm3,files", "2 kind: This needs the name of a data set in the column data_set."),
        ("host,data_set,every\nvm3,files,1 h", "2 every: This needs the name of a job in the column job."),
        ("host,data_set,kind\nvm3,a,tape", "2 kind: Choose one of: files, database, image, other."),
        ("host,data_set,job,every\nvm3,a,b,0 min", "2 every: This must be at least one minute."),
        (
            "host,data_set,job,carried_by\nvm3,a,b,nightly",
            "2 carried_by: There is no job “nightly” on this host. Name one of another host as host/data set/job.",
        ),
        (
            "host,data_set,job,carried_by\nvm3,a,b,web-12/shop/dump",
            "2 carried_by: Choose a job of a data set of files: only such a job copies the dump.",
        ),
        (
            "host,data_set,kind\nweb-12,files,image",
            "2 kind: files must stay files: one of its jobs carries the output of others.",
        ),
    ] {
        assert_eq!(errors(&stored, list), [wrong], "{list:?}");
    }
}

#[test]
fn a_carrier_is_named_as_pages_or_paths_write_it() {
    let stored = northwind();
    for name in ["web-12 · files: nightly", "Web-12/files/nightly"] {
        let list = format!("host,data_set,job,carried_by\nvm3,mail,dump,{name}\n");
        assert_eq!(errors(&stored, &list), [""; 0]);
        let plan = planned(&stored, &list);
        assert_eq!(
            plan.jobs[0].after.carried_by,
            Some(stored.jobs.iter().find(|j| j.name.as_str() == "nightly").unwrap().id)
        );
    }
    // A dump may have the name of the files job beside it; two others can not be told apart.
    let same = "host,data_set,kind,job,carried_by\na,files,files,backup,\na,shop,database,backup,backup\n";
    assert_eq!(errors(&stored, same), [""; 0]);
    let three = format!("{same}a,more,files,backup,\n");
    assert_eq!(errors(&stored, &three), ["3 carried_by: There are 2 jobs “backup”. Name one as host/data set/job."]);
}

#[test]
fn too_many_lines_are_refused_at_once() {
    let list: String = (0..=MAX_LINES).map(|n| format!("h{n}\n")).collect();
    let told = errors(&Inventory::default(), &format!("host\n{list}"));
    assert_eq!(told, ["2002 host: These are 2001 lines; at most 2000 are taken at once."]);
}

fn any_list() -> impl Strategy<Value = String> {
    let cell = |texts: &'static [&'static str]| prop::sample::select(texts);
    let line = (
        cell(&["a", "b", "c", "A", ""]),
        cell(&["", "a", "b", "x"]),
        cell(&["", "files", "db"]),
        cell(&["", "files", "database"]),
        cell(&["", "run", "dump"]),
        cell(&["", "run", "a/files/run"]),
        cell(&["", "24 h", "1 h"]),
    );
    prop::collection::vec(line, 0..8).prop_map(|lines| {
        let line =
            |(host, on, set, kind, job, carrier, every)| format!("{host},{on},{set},{kind},{job},{carrier},{every}\n");
        let lines: String = lines.into_iter().map(line).collect();
        format!("host,runs_on,data_set,kind,job,carried_by,every\n{lines}")
    })
}

proptest! {
    #[test]
    fn a_list_without_mistakes_done_twice_is_done_once(first in any_list(), second in any_list()) {
        let mut stored = Inventory::default();
        for list in [&first, &second] {
            let plan = planned(&stored, list);
            if !plan.errors.is_empty() {
                continue;
            }
            let after = applied(&stored, &plan);
            prop_assert!(after.hosts.len() >= stored.hosts.len() && after.jobs.len() >= stored.jobs.len());
            let again = planned(&after, list);
            prop_assert_eq!(&again.errors, &[]);
            prop_assert!(again.changes(&after).is_empty(), "{list}\n{again:?}");
            stored = after;
        }
        // What any list leaves holds together.
        let nodes: Vec<HostNode> = stored.hosts.iter().map(|h| HostNode { id: h.id, runs_on: h.runs_on }).collect();
        for host in &nodes {
            let below = host.runs_on.map(|on| nodes.iter().any(|n| n.id == on) && !would_cycle(host.id, on, &nodes));
            prop_assert!(below.unwrap_or(true));
        }
        for job in &stored.jobs {
            let carrier = job.carried_by.map(|id| stored.jobs.iter().find(|j| j.id == id).unwrap());
            let kind = carrier.map(|c| stored.data_sets.iter().find(|d| d.id == c.data_set_id).unwrap().kind);
            prop_assert!(carrier.is_none_or(|c| c.carried_by.is_none()) && kind.is_none_or(|k| k == DataKind::Files));
        }
    }
}
