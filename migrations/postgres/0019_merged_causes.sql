-- Whether anything is part of a cause is asked of each before it is forgotten.
create index causes_merged on causes (merged_into) where merged_into is not null;
